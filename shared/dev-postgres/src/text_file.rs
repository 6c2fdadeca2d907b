//! Text files that may be missing.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use crate::error::{Doing, Error};

/// Reads a text file, with `None` when it is not there.
pub(crate) fn read_if_there(path: &Path) -> Result<Option<String>, Error> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).doing(|| format!("read {}", path.display())),
    }
}
