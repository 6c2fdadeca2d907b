//! A server in a process of its own, because that is where it learns which certificates to trust.

use std::fs::{self, File};
use std::process::Stdio;

use sigpost_qstash::{DEV_CURRENT_KEY, DEV_NEXT_KEY, DEV_TOKEN};
use tempfile::TempDir;
use tests::TestDatabase;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::stand_in::StandIn;

/// A running server with an empty database. It ends with the test.
pub(crate) struct Server {
    url: String,
    files: TempDir,
    _process: Child,
    _stand_in: StandIn,
    _database: TestDatabase,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let (database, stand_in) = (TestDatabase::new().await, StandIn::start().await);
        let files = tempfile::tempdir().expect("a folder");
        fs::write(files.path().join("ca.pem"), stand_in.authority()).expect("written");

        let mut process = Command::new(env!("CARGO_BIN_EXE_compat-server"))
            .args(stand_in.overrides())
            .env_clear()
            .env("DATABASE_URL", &database.url)
            .env("DATABASE_CONNECTIONS", "4")
            .env("QSTASH_TOKEN", DEV_TOKEN)
            .env("QSTASH_CURRENT_SIGNING_KEY", DEV_CURRENT_KEY)
            .env("QSTASH_NEXT_SIGNING_KEY", DEV_NEXT_KEY)
            .env("ALLOW_TARGETS", "127.0.0.0/8")
            .env("SSL_CERT_FILE", files.path().join("ca.pem"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(files.path().join("log")).expect("a file"))
            .kill_on_drop(true)
            .spawn()
            .expect("a process");
        let mut lines = BufReader::new(process.stdout.take().expect("piped")).lines();
        let Some(address) = lines.next_line().await.expect("a line") else {
            panic!("the server did not start:\n{}", fs::read_to_string(files.path().join("log")).expect("a log"))
        };
        let url = format!("http://{address}");
        Self { url, files, _process: process, _stand_in: stand_in, _database: database }
    }

    /// What an SDK is told about it, in the variables that QStash's users set.
    pub(crate) fn environment(&self) -> [(&str, &str); 4] {
        [
            ("QSTASH_URL", &self.url),
            ("QSTASH_TOKEN", DEV_TOKEN),
            ("QSTASH_CURRENT_SIGNING_KEY", DEV_CURRENT_KEY),
            ("QSTASH_NEXT_SIGNING_KEY", DEV_NEXT_KEY),
        ]
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.files.path().join("log")).expect("a log")
    }
}
