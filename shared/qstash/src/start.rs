//! The earliest delivery of a message.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::milliseconds;

/// The earliest first attempt. Millisecond resolution.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Start {
    /// Immediately.
    #[default]
    #[serde(rename = "now")]
    Now,
    /// This long after the publish: `Upstash-Delay`. Never zero when parsed from a request.
    #[serde(rename = "after_ms", with = "milliseconds::duration")]
    After(Duration),
    /// Not before this moment: `Upstash-Not-Before`. In the future when parsed from a request.
    #[serde(rename = "at_ms", with = "milliseconds::timestamp")]
    At(Timestamp),
}

impl Start {
    /// Returns the time of the earliest attempt, for a message published at `now`. Never before `now`.
    pub fn not_before(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Now => now,
            Self::After(delay) => now.checked_add(delay).unwrap_or(Timestamp::MAX),
            Self::At(moment) => moment.max(now),
        }
    }
}
