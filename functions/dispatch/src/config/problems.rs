//! What is wrong with a configuration, gathered: who corrects it wants to know all of it at once.

use std::str::FromStr;
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;
use sigpost_runtime::env;

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
#[derive(Default)]
pub(crate) struct Reading {
    pub(crate) problems: Vec<Problem>,
}

impl Reading {
    /// What was read, or the stand-in.
    pub(crate) fn take<T>(&mut self, setting: &'static str, read: Result<T>, stand_in: T) -> T {
        read.unwrap_or_else(|why| {
            self.problems.push(Problem::error(setting, format!("{why:#}")));
            stand_in
        })
    }

    /// A number, a flag: whatever a text can be parsed as.
    pub(crate) fn parsed<T>(&mut self, setting: &'static str, default: T) -> T
    where
        T: FromStr<Err: std::fmt::Display> + Copy,
    {
        self.take(setting, env::parsed(setting, default), default)
    }

    /// A number of seconds.
    pub(crate) fn seconds(&mut self, setting: &'static str, default: Duration) -> Duration {
        Duration::from_secs(self.parsed(setting, default.as_secs()))
    }
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
