//! Reads the settings of a program. All problems are collected, so that an operator can correct them together.
//! `sigpost config check` and the start of every program use the same functions.

mod list;
mod process;
mod setting;

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;
use url::Url;

pub use self::list::*;
pub use self::setting::{Program, Section, Setting};
use crate::env;

/// The severity of a [`Problem`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The program does not start.
    Error,
    /// The setting works, but is likely to cause trouble. It is logged.
    Warning,
}

/// A problem with a setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The severity.
    pub severity: Severity,
    /// The name of the variable.
    pub setting: &'static str,
    /// The problem and its correction, with the variable's name. Never a secret.
    pub text: String,
}

impl Problem {
    /// Creates a problem that prevents the start.
    pub fn error(setting: &'static str, text: impl Into<String>) -> Self {
        Self { severity: Severity::Error, setting, text: text.into() }
    }

    /// Creates a warning.
    pub fn warning(setting: &'static str, text: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, setting, text: text.into() }
    }

    /// Returns whether the problem prevents the start.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// Logs the warnings.
///
/// # Errors
///
/// All errors, in one text.
pub fn reject(problems: &[Problem]) -> Result<()> {
    for problem in problems.iter().filter(|problem| !problem.is_error()) {
        tracing::warn!(setting = problem.setting, "{}", problem.text);
    }
    let errors: Vec<&str> =
        problems.iter().filter(|problem| problem.is_error()).map(|problem| problem.text.as_str()).collect();
    match errors[..] {
        [] => Ok(()),
        [one] => anyhow::bail!("{one}"),
        _ => anyhow::bail!("{} invalid settings:\n  - {}", errors.len(), errors.join("\n  - ")),
    }
}

/// Reads settings. For an invalid setting it records a problem and returns a placeholder, with which no program
/// starts.
pub struct Reading {
    /// The problems so far.
    pub problems: Vec<Problem>,
    /// Whether a missing required setting is a problem.
    is_whole: bool,
}

impl Reading {
    /// For a program that is about to start: required settings must be set, and the settings of every process (logs,
    /// traces, listening address) are checked as well.
    pub fn of_process() -> Self {
        Self { problems: process::problems(), is_whole: true }
    }

    /// For a check of settings whose program may not be meant to run here: required settings may be missing, but the
    /// set ones must be valid.
    pub fn as_far_as_set() -> Self {
        Self { problems: Vec::new(), is_whole: false }
    }

    /// Returns the settings.
    ///
    /// # Errors
    ///
    /// All problems, in one text.
    pub fn finish<T>(self, read: Option<T>) -> Result<T> {
        reject(&self.problems)?;
        read.context("a required setting is missing")
    }

    /// Returns the value; records a problem and returns `None` if reading failed.
    pub fn noted<T>(&mut self, setting: Setting, read: Result<T>) -> Option<T> {
        read.map_err(|why| self.problems.push(Problem::error(setting.name, format!("{why:#}")))).ok()
    }

    /// Returns the value; records a problem and returns the placeholder if reading failed.
    pub fn take<T>(&mut self, setting: Setting, read: Result<T>, stand_in: T) -> T {
        self.noted(setting, read).unwrap_or(stand_in)
    }

    /// Returns the text of a setting, if it is set.
    pub fn text(&mut self, setting: Setting) -> Option<String> {
        self.noted(setting, env::var(setting)).flatten()
    }

    /// Returns the text of a required setting.
    pub fn required(&mut self, setting: Setting) -> Option<String> {
        match self.is_whole {
            true => self.noted(setting, env::required(setting)),
            false => self.text(setting),
        }
    }

    /// Records a problem if a setting that another one needs is not set.
    pub fn required_with(&mut self, setting: Setting, other: Setting) {
        if self.text(setting).is_none() {
            let text = format!("{} is not set, but {} requires it", setting.name, other.name);
            self.problems.push(Problem::error(setting.name, text));
        }
    }

    /// Records a problem if neither setting is set and the program needs one of them.
    pub fn required_one_of(&mut self, settings: [Setting; 2]) {
        if self.is_whole && settings.iter().all(|setting| env::var(*setting).is_ok_and(|text| text.is_none())) {
            let [first, second] = settings.map(|setting| setting.name);
            self.problems.push(Problem::error(first, format!("neither {first} nor {second} is set")));
        }
    }

    /// Returns a setting that `check` accepts, if it is set. The error describes the problem of the value.
    pub fn checked<T>(&mut self, setting: Setting, check: impl FnOnce(&str) -> Result<T>) -> Option<T> {
        let text = self.text(setting)?;
        self.noted(setting, check(&text))
    }

    /// Like [`Self::checked`], for a required setting.
    pub fn required_as<T>(&mut self, setting: Setting, check: impl FnOnce(&str) -> Result<T>) -> Option<T> {
        let text = self.required(setting)?;
        self.noted(setting, check(&text))
    }

    /// Returns the parsed value of a setting with a default, such as a number or a flag.
    pub fn parsed<T: FromStr<Err: Display>>(&mut self, setting: Setting) -> T {
        self.parsed_if_set(setting).unwrap_or_else(|| setting.default_as())
    }

    /// Returns the parsed value of a setting, if it is set.
    pub fn parsed_if_set<T: FromStr<Err: Display>>(&mut self, setting: Setting) -> Option<T> {
        self.noted(setting, env::parsed_if_set(setting)).flatten()
    }

    /// Returns a number of seconds.
    pub fn seconds(&mut self, setting: Setting) -> Duration {
        Duration::from_secs(self.parsed(setting))
    }
}

/// Parses an http or https URL. The error names the setting but not the value, which may be a secret.
///
/// # Errors
///
/// The text is not an http or https URL.
pub fn http_url(setting: &str, text: &str) -> Result<Url> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.with_context(|| format!("{setting} is not an http or https URL, expected one such as https://example.com"))
}

/// Minimum length in bytes of a signing key or a webhook secret: a shorter one can be guessed.
const SHORTEST_SECRET_BYTES: usize = 16;

/// Checks the length of a secret. The error does not contain it.
///
/// # Errors
///
/// The secret is shorter than 16 bytes.
pub fn secret(setting: &str, text: &str) -> Result<String> {
    let length = text.len();
    anyhow::ensure!(
        length >= SHORTEST_SECRET_BYTES,
        "{setting} has {length} bytes: use at least {SHORTEST_SECRET_BYTES}"
    );
    Ok(text.to_owned())
}

/// Checks a token for the `Authorization` header. The error does not contain it.
///
/// # Errors
///
/// The token has a control character, such as a line break.
pub fn bearer(setting: &str, text: &str) -> Result<String> {
    anyhow::ensure!(
        !text.chars().any(char::is_control),
        "{setting} has a control character, which an Authorization header cannot contain"
    );
    Ok(text.to_owned())
}

/// Checks a line of text for a subject or a label.
///
/// # Errors
///
/// The text has a control character.
pub fn line(setting: &str, text: &str) -> Result<String> {
    anyhow::ensure!(
        !text.chars().any(char::is_control),
        "{setting} has a control character, expected one line of text"
    );
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_errors_are_said_at_once_and_warnings_stop_nothing() {
        let said = |problems: &[Problem]| reject(problems).map_err(|why| why.to_string());
        let (one, two) = (Problem::error("A", "A is wrong"), Problem::error("B", "B is wrong"));
        let warning = Problem::warning("C", "C is odd");
        assert_eq!(said(&[]), Ok(()));
        assert_eq!(said(std::slice::from_ref(&warning)), Ok(()));
        assert_eq!(said(&[warning.clone(), one.clone()]), Err("A is wrong".into()));
        assert_eq!(said(&[one, warning, two]), Err("2 invalid settings:\n  - A is wrong\n  - B is wrong".into()));
    }
}
