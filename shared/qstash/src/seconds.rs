//! Durations as whole seconds in JSON, QStash's unit for periods and delays.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serializer};

/// For `#[serde(with)]`.
pub(crate) fn serialize<S: Serializer>(value: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(value.as_secs())
}

/// For `#[serde(with)]`.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    u64::deserialize(from).map(Duration::from_secs)
}
