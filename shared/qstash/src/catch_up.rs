//! Missed firings.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Invalid;

/// `Upstash-Sigpost-Catch-Up`: which missed firings of a schedule are made up for after an outage. Firings of a
/// paused schedule are skipped, not missed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CatchUp {
    /// `none`: no missed firing.
    None,
    /// `last`: one firing for all missed ones. The default.
    #[default]
    Last,
    /// `all`: each missed firing.
    All,
}

impl CatchUp {
    /// Returns the value as written in the header.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Last => "last",
            Self::All => "all",
        }
    }

    /// Parses the header's value.
    ///
    /// # Errors
    ///
    /// The text is none of the three values; the error names `field`.
    pub fn parse(field: &str, text: &str) -> Result<Self, Invalid> {
        [Self::None, Self::Last, Self::All]
            .into_iter()
            .find(|catch_up| catch_up.as_str() == text)
            .ok_or_else(|| Invalid::got(field, "must be one of none, last, all", text))
    }
}
