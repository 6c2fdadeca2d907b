//! `Upstash-Retry-Delay`: the delay before a retry as an expression.

mod parser;
mod program;

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Invalid;
use program::Program;

/// The longest expression in bytes. It bounds the time an evaluation takes.
pub const MAX_BYTES: usize = 512;

/// The longest delay an expression can give; a larger result is cut to it.
const MAX_MILLISECONDS: f64 = 86_400_000.0;

/// An expression whose result is the delay in **milliseconds** (QStash docs, "Retry").
///
/// It knows the variable `retried` (0 for the first retry), decimal numbers (`1e3` too), the
/// operators `+ - * / %`, parentheses, and the functions `pow(x,y) exp(x) sqrt(x) abs(x) floor(x)
/// ceil(x) round(x) min(x,..) max(x,..)`. Numbers are 64-bit floats; `%` takes the sign of its
/// left side. Names are lower-case.
///
/// The text is kept as it came, because the API returns it verbatim; serde uses the text.
#[derive(Clone)]
pub struct RetryDelay {
    source: String,
    program: Program,
}

impl RetryDelay {
    /// Reads an expression.
    ///
    /// # Errors
    ///
    /// Not an expression, longer than [`MAX_BYTES`] or nested too deeply; the error names `field`.
    pub fn parse(field: &str, source: &str) -> Result<Self, Invalid> {
        if source.len() > MAX_BYTES {
            return Err(Invalid::new(field, format!("must not be longer than {MAX_BYTES} bytes")));
        }
        let program =
            parser::parse(source).map_err(|reason| Invalid::new(field, format!("invalid expression: {reason}")))?;
        Ok(Self { source: source.to_owned(), program })
    }

    /// As it was given.
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// The delay after `retried` retries, in whole milliseconds between 0 and a day.
    ///
    /// `None` when the result is not a number or infinite, `0/0` for instance: take the
    /// [default](crate::default_backoff) then.
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
