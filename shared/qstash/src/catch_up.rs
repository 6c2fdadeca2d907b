//! What becomes of firings that were missed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Invalid;

/// `Upstash-Sigpost-Catch-Up`: which firings of a schedule are made up for when nobody was there
/// to fire it in time. Firings of a paused schedule are not missed, they are skipped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CatchUp {
    /// `none`: no firing that was missed.
    None,
    /// `last`: one firing for all that were missed. The default.
    #[default]
    Last,
    /// `all`: each of them.
    All,
}

impl CatchUp {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Last => "last",
            Self::All => "all",
        }
    }

    /// Reads it.
    ///
    /// # Errors
    ///
    /// None of the three; the error names `field`.
    pub fn parse(field: &str, text: &str) -> Result<Self, Invalid> {
        [Self::None, Self::Last, Self::All]
            .into_iter()
            .find(|catch_up| catch_up.as_str() == text)
            .ok_or_else(|| Invalid::new(field, "must be one of none, last, all"))
    }
}
