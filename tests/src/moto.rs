//! moto, an independent stand-in for AWS. It stores resources and returns them, validates little, and never fires a
//! schedule.

use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::installation::{Installation, Installer};

/// A running server without resources. It stops with the test.
pub struct Moto {
    /// The endpoint for AWS's SDKs.
    pub url: String,
    _process: Child,
}

impl Moto {
    /// Starts a server, installed below this folder (`CARGO_TARGET_TMPDIR`), on a free port. Returns `None` if Python
    /// is not installed, see [`Installation::installed`].
    pub async fn start(under: &Path) -> Option<Self> {
        let moto = Installation { name: "moto", versions: "moto.txt", installer: Installer::Pip };
        let folder = moto.installed(under).await?;
        let mut process = Command::new(folder.join("venv/bin/moto_server"))
            .args(["-H", "127.0.0.1", "-p", "0"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("a process");
        let mut lines = BufReader::new(process.stderr.take().expect("piped")).lines();
        let mut printed = String::new();
        while let Some(line) = lines.next_line().await.expect("a line") {
            if let Some((_, address)) = line.split_once("Running on ") {
                let url = address.trim().to_owned();
                // The server blocks if its output is not read.
                tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
                return Some(Self { url, _process: process });
            }
            printed.push_str(&line);
        }
        panic!("moto did not start: {printed}")
    }
}
