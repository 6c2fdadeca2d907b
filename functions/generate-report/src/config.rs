//! What the function needs to know.

use anyhow::Result;
use sigpost_files::Files;

/// Where files go.
#[derive(Clone, Debug)]
pub struct Config {
    /// The folder or the bucket.
    pub files: Files,
}

impl Config {
    /// The configuration of a deployment: see [`Files::from_env`].
    ///
    /// # Errors
    ///
    /// The first variable that is missing or malformed, by its name.
    pub fn from_env() -> Result<Self> {
        Ok(Self { files: Files::from_env()? })
    }
}
