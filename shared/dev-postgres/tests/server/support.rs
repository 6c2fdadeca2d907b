//! What the tests share.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use sigpost_dev_postgres::{DataDir, Durability, Error, Options, Server};
use tempfile::TempDir;
use tokio_postgres::{NoTls, SimpleQueryMessage};

/// A new folder that every user of the machine can use, as `/tmp` is. `tempfile` closes its
/// folders, and then Postgres could not get in when root runs the tests.
pub(crate) fn open_folder() -> TempDir {
    tempfile::Builder::new()
        .permissions(Permissions::from_mode(0o777))
        .tempdir()
        .inspect(|folder| {
            // The umask was applied to the above.
            fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
        })
        .unwrap()
}

/// Starts a server on data that is kept in a folder.
pub(crate) fn start_in(folder: &Path) -> Result<Server, Error> {
    start(DataDir::Kept(folder.to_owned()), &[])
}

/// Starts a server without durability, for speed.
pub(crate) fn start(data_dir: DataDir, settings: &[(&str, &str)]) -> Result<Server, Error> {
    let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let options = Options { data_dir, durability: Durability::Fast, settings: settings.collect() };
    Server::start(options, &mut |_| {})
}

/// Runs statements. Returns the first column of the last row, if any.
pub(crate) fn sql(url: &str, statements: &str) -> Result<Option<String>, tokio_postgres::Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        let messages = client.simple_query(statements).await?;
        let rows = messages.iter().rev().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
            _ => None,
        });
        Ok(rows)
    })
}

/// The data folder that a server really uses, as Postgres says it.
pub(crate) fn folder_of(server: &Server) -> PathBuf {
    let cluster = sql(&server.url("postgres"), "SHOW data_directory").unwrap();
    let cluster = PathBuf::from(cluster.unwrap());
    cluster.parent().unwrap().to_owned()
}

/// Whether a process exists. `kill -0` would do nothing to it.
pub(crate) fn is_alive(pid: u32) -> bool {
    Command::new("/bin/sh")
        .args(["-c", "kill -0 \"$1\"", "sh", &pid.to_string()])
        .stderr(Stdio::null())
        .status()
        .unwrap()
        .success()
}

/// Waits for something that another process does in its own time.
pub(crate) fn eventually(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "not within 20 s: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}
