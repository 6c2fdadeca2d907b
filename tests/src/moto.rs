//! moto: AWS's APIs on this machine, by people who have never seen sigpost.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::sdk::Sdk;

/// The region in which everything is.
pub const REGION: &str = "eu-central-1";

/// A running server, which ends with this value.
pub struct Moto {
    /// Its URL, for every service.
    pub url: String,
    folder: PathBuf,
    _server: Child,
}

impl Moto {
    /// Starts one with nothing in it. `None` where Python is not installed: see [`Sdk::installed`].
    pub async fn start(under: &Path) -> Option<Self> {
        let folder = Sdk::Moto.installed(under).await?;
        let mut server = Command::new(folder.join("venv/bin/moto_server"))
            .args(["-H", "127.0.0.1", "-p", "0"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("moto starts");
        let mut lines = BufReader::new(server.stderr.take().expect("piped")).lines();
        let url = loop {
            let line = lines.next_line().await.expect("readable").expect("moto serves");
            if let Some((_, url)) = line.split_once("Running on ") {
                break url.trim().to_owned();
            }
        };
        // Read on, or the server would wait for a reader.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Some(Self { url, folder, _server: server })
    }

    /// What leads a program's SDK here.
    pub fn environment(&self) -> [(&'static str, &str); 4] {
        [
            ("AWS_ENDPOINT_URL", &self.url),
            ("AWS_REGION", REGION),
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
        ]
    }

    /// Runs a Python program with AWS's SDK, led here.
    pub async fn python(&self, program: &str, arguments: &[&str]) -> String {
        let mut python = Sdk::Moto.interpreter(&self.folder);
        python.args(["-c", program]).args(arguments).envs(self.environment()).env("AWS_DEFAULT_REGION", REGION);
        let output = python.output().await.expect("Python");
        assert!(output.status.success(), "{}", crate::sdk::printed(&output));
        String::from_utf8(output.stdout).expect("text")
    }
}
