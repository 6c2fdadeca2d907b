//! QStash's official SDKs, as published.

use std::path::{Path, PathBuf};

use tokio::process::Command;

pub use crate::installation::printed;
use crate::installation::{Installation, Installer};

/// The SDK of a language.
#[derive(Clone, Copy, Debug)]
pub enum Sdk {
    /// `@upstash/qstash`, of the version in `sdk/package.json`, with `express`, and `stripe` and `svix` to sign webhooks.
    JavaScript,
    /// `qstash`, of the version in `sdk/requirements.txt`.
    Python,
}

impl Sdk {
    /// Returns the folder with the installed SDK, see [`Installation::installed`]. Node finds the SDK from any folder
    /// below it.
    pub async fn installed(self, under: &Path) -> Option<PathBuf> {
        let (name, versions, installer) = match self {
            Self::JavaScript => ("javascript", "package.json", Installer::Npm),
            Self::Python => ("python", "requirements.txt", Installer::Pip),
        };
        Installation { name, versions, installer }.installed(under).await
    }

    /// Returns the command that runs a script with the SDK in this folder.
    pub fn interpreter(self, folder: &Path) -> Command {
        match self {
            Self::JavaScript => Command::new("node"),
            Self::Python => {
                let mut python = Command::new(folder.join("venv/bin/python"));
                python.env("PYTHONDONTWRITEBYTECODE", "1");
                python
            }
        }
    }
}
