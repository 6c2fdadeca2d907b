//! `Upstash-Retry-Delay`: the delay before a retry as an expression.

mod parser;
mod program;

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Invalid;
use program::Program;

/// The maximum length of an expression in bytes, which limits the time of an evaluation.
pub const MAX_BYTES: usize = 512;

/// The maximum delay; a larger result is capped.
const MAX_MILLISECONDS: f64 = 86_400_000.0;

/// An expression whose result is the delay in **milliseconds** (QStash docs, "Retry").
///
/// It supports the variable `retried` (0 for the first retry), decimal numbers (also `1e3`), the operators `+ - * /
/// %`, parentheses, and the functions `pow(x,y) exp(x) sqrt(x) abs(x) floor(x) ceil(x) round(x) min(x,..) max(x,..)`.
/// Numbers are 64-bit floats; `%` has the sign of its left operand. Names are in lower case.
///
/// The text stays verbatim, because the API returns it; serde uses the text.
#[derive(Clone)]
pub struct RetryDelay {
    source: String,
    program: Program,
}

impl RetryDelay {
    /// Parses an expression.
    ///
    /// # Errors
    ///
    /// The text is not an expression, longer than [`MAX_BYTES`] or nested too deeply; the error names `field`.
    pub fn parse(field: &str, source: &str) -> Result<Self, Invalid> {
        if source.len() > MAX_BYTES {
            return Err(Invalid::too_long(field, MAX_BYTES, source.len()));
        }
        let program = parser::parse(source)
            .map_err(|reason| Invalid::got(field, format!("invalid expression: {reason}"), source))?;
        Ok(Self { source: source.to_owned(), program })
    }

    /// Returns the expression as given.
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// Returns the delay after `retried` retries, in whole milliseconds from 0 to a day.
    ///
    /// `None` if the result is infinite or not a number, such as `0/0`: use the [default](crate::default_backoff)
    /// then.
    pub fn delay(&self, retried: u32) -> Option<Duration> {
        let milliseconds = self.program.evaluate(f64::from(retried));
        if !milliseconds.is_finite() {
            return None;
        }
        let milliseconds = milliseconds.clamp(0.0, MAX_MILLISECONDS).round();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and a day, and whole")]
        Some(Duration::from_millis(milliseconds as u64))
    }
}

impl PartialEq for RetryDelay {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for RetryDelay {}

impl fmt::Display for RetryDelay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl fmt::Debug for RetryDelay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RetryDelay({:?})", self.source)
    }
}

impl Serialize for RetryDelay {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.source)
    }
}

impl<'de> Deserialize<'de> for RetryDelay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse("retry delay", &String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
