//! What came of an item.

use serde::Serialize;

/// How an item stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    Passed,
    /// It works, and will hurt some day.
    Warned,
    Failed,
    /// It does not apply here, or cannot be seen from here.
    Skipped,
}

/// How an item stands, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) state: State,
    /// What was seen.
    pub(super) figure: String,
    /// Why that is not good, or why it was not looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    /// What to do.
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

    pub(super) fn skipped(reason: impl Into<String>) -> Self {
        Self { state: State::Skipped, figure: "-".into(), reason: Some(reason.into()), fix: None }
    }

    /// Not seen from here, with how to look elsewhere.
    pub(super) fn unseen(figure: impl Into<String>, reason: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { state: State::Skipped, ..Self::warned(figure, reason, fix) }
    }
}

/// A length of time for people: the largest unit that leaves a number above one.
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
