//! A server as a separate process, because a process reads its trusted certificates at its start.

use std::fs::{self, File};
use std::process::Stdio;

use sigpost_qstash::{DEV_CURRENT_KEY, DEV_NEXT_KEY, DEV_TOKEN};
use sigpost_store::api_tokens::Scope;
use tempfile::TempDir;
use tests::TestDatabase;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::stand_in::StandIn;

/// A running server with an empty database. It stops with the test.
pub(crate) struct Server {
    url: String,
    read_token: String,
    publish_token: String,
    files: TempDir,
    _process: Child,
    _stand_in: StandIn,
    _database: TestDatabase,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let (database, stand_in) = (TestDatabase::new().await, StandIn::start().await);
        let read_token = database.create_token("read", Scope::Read, None).await;
        let publish_token = database.create_token("publish", Scope::Publish, None).await;
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
        Self { url, read_token, publish_token, files, _process: process, _stand_in: stand_in, _database: database }
    }

    /// The settings of QStash's SDKs as environment variables, and tokens with limited scopes.
    pub(crate) fn environment(&self) -> [(&str, &str); 6] {
        [
            ("QSTASH_URL", &self.url),
            ("QSTASH_TOKEN", DEV_TOKEN),
            ("QSTASH_CURRENT_SIGNING_KEY", DEV_CURRENT_KEY),
            ("QSTASH_NEXT_SIGNING_KEY", DEV_NEXT_KEY),
            ("READ_TOKEN", &self.read_token),
            ("PUBLISH_TOKEN", &self.publish_token),
        ]
    }

    /// Returns the log of the server.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.files.path().join("log")).expect("a log")
    }
}
