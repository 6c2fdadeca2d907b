//! The states of a message in the log.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The state of an event (QStash docs, "Debug logs"). The set is closed: Python's SDK raises an exception for any
/// other state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EventState {
    /// Accepted and stored.
    Created,
    /// An attempt began.
    Active,
    /// Another attempt is planned.
    Retry,
    /// An attempt failed.
    Error,
    /// A destination responded with 2xx.
    Delivered,
    /// Retries exhausted; in the dead-letter queue.
    Failed,
    /// Cancellation requested.
    CancelRequested,
    /// Cancelled. Written with one L, as the SDKs spell it; the docs have two.
    #[serde(alias = "CANCELLED")]
    Canceled,
}

impl EventState {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::Created,
        Self::Active,
        Self::Retry,
        Self::Error,
        Self::Delivered,
        Self::Failed,
        Self::CancelRequested,
        Self::Canceled,
    ];

    /// Returns the state as written on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "CREATED",
            Self::Active => "ACTIVE",
            Self::Retry => "RETRY",
            Self::Error => "ERROR",
            Self::Delivered => "DELIVERED",
            Self::Failed => "FAILED",
            Self::CancelRequested => "CANCEL_REQUESTED",
            Self::Canceled => "CANCELED",
        }
    }

    /// Returns the states of a `state` filter: one, or the three of `IN_PROGRESS` (QStash OpenAPI).
    ///
    /// # Errors
    ///
    /// The text is neither a state nor `IN_PROGRESS`.
    pub fn filter(text: &str) -> Result<Vec<Self>, UnknownState> {
        if text.eq_ignore_ascii_case("IN_PROGRESS") {
            Ok(vec![Self::Active, Self::Retry, Self::Error])
        } else {
            text.parse().map(|state| vec![state])
        }
    }
}

impl fmt::Display for EventState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is not a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a state")]
pub struct UnknownState;

impl FromStr for EventState {
    type Err = UnknownState;

    /// Parses both spellings of [`Canceled`](Self::Canceled).
    fn from_str(text: &str) -> Result<Self, UnknownState> {
        let text = if text == "CANCELLED" { "CANCELED" } else { text };
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(UnknownState)
    }
}

#[cfg(test)]
mod tests {
    use super::EventState;

    #[test]
    fn every_state_is_read_as_it_is_written() {
        for state in EventState::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
            let json = serde_json::to_string(&state).unwrap();
            assert_eq!(json, format!("\"{state}\""));
            assert_eq!(serde_json::from_str::<EventState>(&json).unwrap(), state);
        }
        assert_eq!("CANCELLED".parse(), Ok(EventState::Canceled));
        assert!("delivered".parse::<EventState>().is_err());
    }

    #[test]
    fn in_progress_is_only_a_filter() {
        assert!("IN_PROGRESS".parse::<EventState>().is_err());
        assert_eq!(
            EventState::filter("IN_PROGRESS"),
            Ok(vec![EventState::Active, EventState::Retry, EventState::Error])
        );
        assert_eq!(EventState::filter("CANCELLED"), Ok(vec![EventState::Canceled]));
        assert!(EventState::filter("").is_err());
    }
}
