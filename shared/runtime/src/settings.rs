//! Reading the settings of a program. Every problem is gathered: an operator wants to correct all of
//! them at once. `sigpost config check` and the start of every program read with the same functions.

mod process;

use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;
use url::Url;

use crate::env;
use crate::env::Form;

/// How bad a [`Problem`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing starts with it.
    Error,
    /// It works, and will hurt some day. It is logged.
    Warning,
}

/// Something that is wrong with a setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// The variable to change.
    pub setting: &'static str,
    /// What is wrong and what to do, with the variable's name. Never a secret.
    pub text: String,
}

impl Problem {
    /// One that nothing starts with.
    pub fn error(setting: &'static str, text: impl Into<String>) -> Self {
        Self { severity: Severity::Error, setting, text: text.into() }
    }

    /// One to know of.
    pub fn warning(setting: &'static str, text: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, setting, text: text.into() }
    }

    /// Whether nothing starts with it.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// Logs the warnings.
///
/// # Errors
///
/// All errors there are, in one text.
pub fn refuse(problems: &[Problem]) -> Result<()> {
    for problem in problems.iter().filter(|problem| !problem.is_error()) {
        tracing::warn!(setting = problem.setting, "{}", problem.text);
    }
    let errors: Vec<&str> =
        problems.iter().filter(|problem| problem.is_error()).map(|problem| problem.text.as_str()).collect();
    match errors[..] {
        [] => Ok(()),
        [one] => anyhow::bail!("{one}"),
        _ => anyhow::bail!("{} settings are wrong:\n  - {}", errors.len(), errors.join("\n  - ")),
    }
}

/// Reads settings. What cannot be read is noted, and reading goes on with a stand-in, with which
/// nothing is ever started.
pub struct Reading {
    /// What is wrong so far.
    pub problems: Vec<Problem>,
    /// A required setting that is not set is a problem.
    is_whole: bool,
}

impl Reading {
    /// For a program that is about to start: required settings must be there, and those that every
    /// process has (logs, traces, where to listen) are checked at once.
    pub fn of_process() -> Self {
        Self { problems: process::problems(), is_whole: true }
    }

    /// For a look at settings whose program may not be meant to run here: required settings may be
    /// missing, and what is set must be right.
    pub fn as_far_as_set() -> Self {
        Self { problems: Vec::new(), is_whole: false }
    }

    /// The result of reading.
    ///
    /// # Errors
    ///
    /// All problems there are, in one text.
    pub fn finish<T>(self, read: Option<T>) -> Result<T> {
        refuse(&self.problems)?;
        read.context("a required setting is missing")
    }

    /// What was read; `None` if that failed.
    pub fn noted<T>(&mut self, setting: &'static str, read: Result<T>) -> Option<T> {
        read.map_err(|why| self.problems.push(Problem::error(setting, format!("{why:#}")))).ok()
    }

    /// What was read, or the stand-in.
    pub fn take<T>(&mut self, setting: &'static str, read: Result<T>, stand_in: T) -> T {
        self.noted(setting, read).unwrap_or(stand_in)
    }

    /// A setting's text, if it is set.
    pub fn text(&mut self, setting: &'static str) -> Option<String> {
        self.noted(setting, env::var(setting)).flatten()
    }

    /// The text of a setting that a program cannot do without.
    pub fn required(&mut self, setting: &'static str) -> Option<String> {
        match self.is_whole {
            true => self.noted(setting, env::required(setting)),
            false => self.text(setting),
        }
    }

    /// Notes it if a setting is not set that another one needs.
    pub fn required_with(&mut self, setting: &'static str, other: &'static str) {
        if self.text(setting).is_none() {
            self.problems.push(Problem::error(setting, format!("{setting} is not set, and {other} needs it")));
        }
    }

    /// Notes it if none of these is set and a program cannot do without one.
    pub fn required_one_of(&mut self, settings: [&'static str; 2]) {
        let [first, second] = settings;
        if self.is_whole && settings.iter().all(|setting| env::var(setting).is_ok_and(|text| text.is_none())) {
            self.problems.push(Problem::error(first, format!("{first} is not set, and neither is {second}")));
        }
    }

    /// A setting that `check` accepts, if it is set. The error says what is wrong with the value.
    pub fn checked<T>(&mut self, setting: &'static str, check: impl FnOnce(&str) -> Result<T>) -> Option<T> {
        let text = self.text(setting)?;
        self.noted(setting, check(&text))
    }

    /// The same of a setting that a program cannot do without.
    pub fn required_as<T>(&mut self, setting: &'static str, check: impl FnOnce(&str) -> Result<T>) -> Option<T> {
        let text = self.required(setting)?;
        self.noted(setting, check(&text))
    }

    /// A number, a flag: whatever a text can be parsed as.
    pub fn parsed<T>(&mut self, setting: &'static str, default: T) -> T
    where
        T: FromStr<Err: std::fmt::Display> + Form + Copy,
    {
        self.take(setting, env::parsed(setting, default), default)
    }

    /// A number of seconds.
    pub fn seconds(&mut self, setting: &'static str, default: Duration) -> Duration {
        Duration::from_secs(self.parsed(setting, default.as_secs()))
    }
}

/// An http or https URL. The error names the setting and not the value, which may be a secret.
///
/// # Errors
///
/// It is no such URL.
pub fn http_url(setting: &str, text: &str) -> Result<Url> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.with_context(|| format!("{setting} is not an http or https URL, expected one such as https://example.com"))
}

/// Bytes of a signing key or the secret of a webhook at least: a shorter one can be guessed.
const SHORTEST_SECRET_BYTES: usize = 16;

/// A secret that cannot be guessed. The error does not repeat it.
///
/// # Errors
///
/// It is shorter than 16 bytes.
pub fn secret(setting: &str, text: &str) -> Result<String> {
    let length = text.len();
    anyhow::ensure!(
        length >= SHORTEST_SECRET_BYTES,
        "{setting} has {length} bytes: use at least {SHORTEST_SECRET_BYTES}"
    );
    Ok(text.to_owned())
}

/// A token as an `Authorization` header carries it. The error does not repeat it.
///
/// # Errors
///
/// It has a control character, such as a line break.
pub fn bearer(setting: &str, text: &str) -> Result<String> {
    anyhow::ensure!(
        !text.chars().any(char::is_control),
        "{setting} has a control character, which no Authorization header carries"
    );
    Ok(text.to_owned())
}

/// One line of text, as it may stand in a subject or a label.
///
/// # Errors
///
/// It has a control character.
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
        let said = |problems: &[Problem]| refuse(problems).map_err(|why| why.to_string());
        let (one, two) = (Problem::error("A", "A is wrong"), Problem::error("B", "B is wrong"));
        let warning = Problem::warning("C", "C is odd");
        assert_eq!(said(&[]), Ok(()));
        assert_eq!(said(std::slice::from_ref(&warning)), Ok(()));
        assert_eq!(said(&[warning.clone(), one.clone()]), Err("A is wrong".into()));
        assert_eq!(said(&[one, warning, two]), Err("2 settings are wrong:\n  - A is wrong\n  - B is wrong".into()));
    }
}
