//! Why a server could not be started or stopped.

use std::{io, path::PathBuf};

/// The other way out: one line for each system.
const INSTALL_HINT: &str = "install it, then start again:\n  \
     Debian, Ubuntu:  sudo apt-get install postgresql\n  \
     macOS:           brew install postgresql@17\n  \
     Fedora:          sudo dnf install postgresql-server\n  \
     others:          https://www.postgresql.org/download/\n\
     or set PG_BIN to a folder that holds the programs postgres and initdb";

/// Why a server could not be started or stopped. The text names the cause and the way out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// `$PG_BIN` is set, and is no folder with a Postgres that can be run.
    #[error("PG_BIN is set to {}, which cannot be used: {reason}", path.display())]
    PgBin {
        /// The value of `$PG_BIN`.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// No Postgres is installed and none could be downloaded.
    #[error("no PostgreSQL was found on this machine, and downloading one failed: {reason}\n{}", INSTALL_HINT)]
    NotInstalled {
        /// Why the download failed.
        reason: String,
    },

    /// Another process uses this data.
    #[error(
        "the data in {} is in use by another sigpost ({}); stop it, or give this one its own data \
         with another --data-dir",
        folder.display(),
        pid.map_or_else(|| "unknown process ID".to_owned(), |pid| format!("process {pid}"))
    )]
    InUse {
        /// The folder of the data.
        folder: PathBuf,
        /// The process that uses it.
        pid: Option<u32>,
    },

    /// The data was written by another major version of Postgres than those installed.
    #[error(
        "the data in {} was made by PostgreSQL {cluster}, but PostgreSQL {installed} is installed; \
         install PostgreSQL {cluster} (or point PG_BIN at it), or start with another --data-dir",
        folder.display()
    )]
    OtherMajor {
        /// The folder of the data.
        folder: PathBuf,
        /// The major version that made the data.
        cluster: String,
        /// The version that was found.
        installed: String,
    },

    /// The folder holds a cluster that this crate did not make.
    #[error(
        "{} holds a PostgreSQL cluster that sigpost did not make; start with another --data-dir",
        folder.display()
    )]
    NotOurs {
        /// The folder of the data.
        folder: PathBuf,
    },

    /// The data belongs to another user of the machine.
    #[error(
        "the data in {} belongs to user {owner}, but PostgreSQL would run as user {user}; start as \
         the user who made it, or with another --data-dir",
        folder.display()
    )]
    OtherOwner {
        /// The folder of the data.
        folder: PathBuf,
        /// The uid that owns the data.
        owner: u32,
        /// The uid that Postgres would have.
        user: u32,
    },

    /// We are root, and there is no user to run Postgres as.
    #[error("PostgreSQL does not run as root, and /etc/passwd names neither postgres nor nobody")]
    NoUser,

    /// `initdb` failed.
    #[error("initdb could not make a database cluster:\n{output}")]
    Initdb {
        /// The last lines of its output.
        output: String,
    },

    /// Postgres ended before it was ready.
    #[error("PostgreSQL ended before it was ready ({status}); the end of its log:\n{log}")]
    EndedEarly {
        /// How it ended.
        status: String,
        /// The last lines of its log.
        log: String,
    },

    /// Postgres is running but did not become ready.
    #[error("PostgreSQL was not ready after {seconds} s; the end of its log:\n{log}")]
    NotReady {
        /// How long it was given.
        seconds: u64,
        /// The last lines of its log.
        log: String,
    },

    /// A Postgres that should be stopped is still running.
    #[error("PostgreSQL (process {pid}) on {} did not stop; stop it with: kill -INT {pid}", folder.display())]
    StillRunning {
        /// The folder of the data.
        folder: PathBuf,
        /// The process.
        pid: u32,
    },

    /// A system call failed.
    #[error("could not {action}: {source}")]
    Io {
        /// What we were trying to do, with the path.
        action: String,
        /// Error of the system.
        source: io::Error,
    },
}

/// Adds the attempted action to I/O errors.
pub(crate) trait Doing<T> {
    /// Turns the error into [`Error::Io`]; `action` reads well after "could not".
    fn doing(self, action: impl FnOnce() -> String) -> Result<T, Error>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, action: impl FnOnce() -> String) -> Result<T, Error> {
        self.map_err(|source| Error::Io { action: action(), source })
    }
}
