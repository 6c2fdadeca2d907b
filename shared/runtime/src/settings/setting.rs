//! The definition of a setting.

use std::fmt;
use std::str::FromStr;

/// An environment variable: its name and default, which the code that reads it uses, and its documentation, from which
/// `docs/src/reference/settings.md` is generated.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Name of the variable.
    pub name: &'static str,
    /// What it sets, in a sentence or two.
    pub meaning: &'static str,
    /// Programs that read it.
    pub programs: &'static [Program],
    /// Value of an unset variable, if there is one.
    pub default: Option<&'static str>,
    /// Programs or places with a default of their own.
    pub other_defaults: &'static [(&'static str, &'static str)],
    /// Allowed form of a value, as it follows "expected" in an error.
    pub form: &'static str,
    /// Whether the programs do not start without it.
    pub is_required: bool,
    /// Whether its value is never printed.
    pub is_secret: bool,
}

/// An optional setting without a default that is not secret.
pub(super) const OPTIONAL: Setting = Setting {
    name: "",
    meaning: "",
    programs: &[],
    default: None,
    other_defaults: &[],
    form: "",
    is_required: false,
    is_secret: false,
};

/// A part of the reference.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    /// Heading on the page.
    pub title: &'static str,
    /// Settings in the order of the page.
    pub settings: &'static [Setting],
}

/// A program, or a group of programs, that reads a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// Every program except the commands of the CLI.
    All,
    /// The dispatch function and `sigpost serve`.
    Dispatch,
    /// `sigpost serve`.
    Serve,
    /// `sigpost dev`.
    Dev,
    /// Each job handler as a program of its own.
    Handlers,
    /// The handlers that write files, and `sigpost dev`.
    Files,
    /// The function for webhooks.
    Ingress,
    /// The admin function.
    Admin,
    /// The handler `send-email`.
    SendEmail,
    /// The handler `process-stripe-webhook`.
    ProcessStripeWebhook,
    /// The handler `check-job-health`.
    CheckJobHealth,
    /// The commands of `sigpost` other than `serve` and `dev`.
    Cli,
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::All => "all",
            Self::Dispatch => "dispatch",
            Self::Serve => "serve",
            Self::Dev => "dev",
            Self::Handlers => "handlers",
            Self::Files => "files",
            Self::Ingress => "ingress",
            Self::Admin => "admin",
            Self::SendEmail => "send-email",
            Self::ProcessStripeWebhook => "process-stripe-webhook",
            Self::CheckJobHealth => "check-job-health",
            Self::Cli => "CLI",
        })
    }
}

impl Setting {
    /// Returns the default as a value of its type. Only for settings with a default.
    pub fn default_as<T: FromStr>(self) -> T {
        self.default_of("")
    }

    /// Returns the default of a program or place, which may be one of [`other_defaults`](Self::other_defaults).
    pub fn default_of<T: FromStr>(self, place: &str) -> T {
        let value = self.default_text(place).parse().ok();
        value.unwrap_or_else(|| unreachable!("the default of {} is valid", self.name))
    }

    /// Returns the default of a program or place as it is written.
    pub fn default_text(self, place: &str) -> &'static str {
        let own = self.other_defaults.iter().find(|(name, _)| *name == place).map(|(_, default)| *default);
        own.or(self.default).unwrap_or_else(|| unreachable!("{} has a default", self.name))
    }

    /// Returns whether `sigpost serve` reads it.
    pub fn is_of_serve(self) -> bool {
        self.programs.iter().any(|program| matches!(program, Program::All | Program::Dispatch | Program::Serve))
    }

    /// Returns whether only `sigpost dev` and the commands of the CLI read it.
    pub fn is_of_commands(self) -> bool {
        self.programs.iter().all(|program| matches!(program, Program::Dev | Program::Cli))
    }
}
