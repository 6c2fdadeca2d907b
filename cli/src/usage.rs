//! Usage errors that clap cannot detect.

use std::fmt;

/// Exit code of a usage error, the same as clap's.
pub(crate) const EXIT_CODE: u8 = 2;

/// Usage error: the invalid arguments and the allowed form.
#[derive(Debug)]
pub(crate) struct WrongUsage(String);

impl WrongUsage {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for WrongUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for WrongUsage {}
