//! Wrong usage that clap cannot find.

use std::fmt;

/// The exit code of wrong usage, as clap has it.
pub(crate) const EXIT_CODE: u8 = 2;

/// What is wrong with the arguments, and what is allowed.
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
