//! Result of an item.

use serde::Serialize;
use sigpost_health::Severity;

/// State of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    Passed,
    /// Works now, but is a risk.
    Warned,
    Failed,
    /// Does not apply, or cannot be checked from this machine.
    Skipped,
}

/// Result of an item, with the reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) state: State,
    /// Measured value.
    pub(super) figure: String,
    /// Why the item did not pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    /// How to fix it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fix: Option<String>,
}

impl Finding {
    pub(super) fn passed(figure: impl Into<String>) -> Self {
        Self { state: State::Passed, figure: figure.into(), reason: None, fix: None }
    }

    pub(super) fn warned(figure: impl Into<String>, reason: impl Into<String>, fix: impl Into<String>) -> Self {
        let (reason, fix) = (Some(reason.into()), Some(fix.into()));
        Self { state: State::Warned, figure: figure.into(), reason, fix }
    }

    pub(super) fn failed(figure: impl Into<String>, reason: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { state: State::Failed, ..Self::warned(figure, reason, fix) }
    }

    /// The finding of a health check at this level: a warning warns, and a critical level fails.
    pub(super) fn at(
        level: Option<Severity>,
        figure: impl Into<String>,
        reason: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        match level {
            None => Self::passed(figure),
            Some(Severity::Warning) => Self::warned(figure, reason, fix),
            Some(Severity::Critical) => Self::failed(figure, reason, fix),
        }
    }

    pub(super) fn skipped(reason: impl Into<String>) -> Self {
        Self { state: State::Skipped, figure: "-".into(), reason: Some(reason.into()), fix: None }
    }

    /// Skipped because it cannot be checked from this machine; `fix` says how to check it.
    pub(super) fn unseen(figure: impl Into<String>, reason: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { state: State::Skipped, ..Self::warned(figure, reason, fix) }
    }
}

/// Formats a duration with one unit, from `ms` to `days`, and at least two of it.
pub(super) fn lasting(seconds: f64) -> String {
    match seconds {
        s if s < 1.0 => format!("{:.0} ms", s * 1000.0),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.0} h", s / 3600.0),
        s => format!("{:.0} days", s / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::lasting;

    #[test]
    fn lengths_are_said_in_the_unit_that_people_would_use() {
        for (seconds, said) in [
            (0.0, "0 ms"),
            (0.012, "12 ms"),
            (90.0, "90 s"),
            (600.0, "10 min"),
            (7200.0, "2 h"),
            (90.0 * 86_400.0, "90 days"),
        ] {
            assert_eq!(lasting(seconds), said);
        }
    }
}
