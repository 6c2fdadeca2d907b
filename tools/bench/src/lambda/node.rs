//! Node with the official receiver of QStash, started like the functions.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tokio::process::Command;

use super::programs::Programs;

const SCRIPT: &str = include_str!("bootstrap.mjs");
/// Folder in which the tests install npm packages.
const FROM_TESTS: &str = "tmp/sdk/javascript";

/// Folder with the script and its imports. Removed on drop.
pub(super) struct Node {
    folder: PathBuf,
    version: String,
}

impl Node {
    /// Finds Node and the SDK. Prints a message if one is missing.
    pub(super) async fn find(programs: &Programs, sdk: Option<&Path>) -> Result<Option<Self>> {
        let sdk = sdk.map_or_else(|| programs.target().join(FROM_TESTS), Path::to_owned);
        let modules = sdk.join("node_modules");
        if !modules.join("@upstash/qstash").is_dir() {
            let (package, folder) = ("@upstash/qstash", sdk.display());
            eprintln!(
                "  lambda     without Node: {package} is not in {folder}; give --node-sdk, or npm install --prefix it"
            );
            return Ok(None);
        }
        let output = Command::new("node").args(["-p", "process.execPath + ' ' + process.version"]).output().await;
        let line = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
        let Some((node, version)) = line.rsplit_once(' ') else {
            eprintln!("  lambda     without Node: node is not on the PATH");
            return Ok(None);
        };
        let folder = std::env::temp_dir().join(format!("sigpost-bench-{}", std::process::id()));
        let found = Self { folder, version: format!("Node {version}") };
        found.install(node, &modules).context("the script for Node")?;
        Ok(Some(found))
    }

    /// Installs the script with a shebang, so that the kernel starts Node without a shell.
    fn install(&self, node: &str, modules: &Path) -> Result<()> {
        fs::create_dir_all(&self.folder)?;
        symlink(modules.canonicalize()?, self.folder.join("node_modules"))?;
        fs::write(self.bootstrap(), format!("#!{node}\n{SCRIPT}"))?;
        fs::set_permissions(self.bootstrap(), fs::Permissions::from_mode(0o755))?;
        Ok(())
    }

    /// Returns the path of the script.
    pub(super) fn bootstrap(&self) -> PathBuf {
        self.folder.join("bootstrap.mjs")
    }

    /// Returns the version, such as `Node v20.20.2`.
    pub(super) fn version(&self) -> &str {
        &self.version
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // The folder contains only a link to the installation.
        let _ = fs::remove_dir_all(&self.folder);
    }
}
