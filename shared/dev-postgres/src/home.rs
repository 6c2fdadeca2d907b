//! The folder that one server's files are in.
//!
//! ```text
//! <folder>/cluster/       what initdb makes, and Postgres owns
//! <folder>/password       of the user `sigpost`, with mode 0600
//! <folder>/postgres.log   of the last start, or of the last initdb
//! <folder>/owner.lock     see lock.rs
//! <folder>/cluster.lock
//! ```
//!
//! The cluster has a folder of its own so that it can be made under another name and renamed
//! when it is whole, without writing outside the folder that we were given.

use std::{
    fs::{self, OpenOptions, Permissions},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{self, Path, PathBuf},
};

use crate::{
    elsewhere,
    error::{Doing, Error},
    identity::Identity,
    lock::Locks,
    options::DataDir,
    temporary,
};

/// The folder that one server's files are in, locked for as long as this value lives.
#[derive(Debug)]
pub(crate) struct Home {
    folder: PathBuf,
    locks: Locks,
    temporary: bool,
}

impl Home {
    /// Makes or opens the folder and takes its locks.
    pub(crate) fn open(data_dir: &DataDir, identity: &Identity, progress: &mut dyn FnMut(&str)) -> Result<Self, Error> {
        match data_dir {
            DataDir::Kept(requested) => {
                let requested =
                    path::absolute(requested).doing(|| format!("find the absolute path of {}", requested.display()))?;
                let folder = kept_folder(requested, identity, progress)?;
                let locks = Locks::take(&folder, progress)?;
                Ok(Self { folder, locks, temporary: false })
            }
            DataDir::Temporary => {
                let base = temporary::base(identity);
                temporary::sweep(&base, identity);
                let (folder, locks) = temporary::create(&base, identity)?;
                Ok(Self { folder, locks, temporary: true })
            }
        }
    }

    /// The folder itself.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder to remove when the server ends, if it is one.
    pub(crate) fn folder_to_remove(&self) -> Option<&Path> {
        self.temporary.then_some(self.folder.as_path())
    }

    /// What `postgres -D` is given.
    pub(crate) fn cluster(&self) -> PathBuf {
        self.folder.join("cluster")
    }

    /// The file that holds the password.
    pub(crate) fn password(&self) -> PathBuf {
        self.folder.join("password")
    }

    /// The log of the last start.
    pub(crate) fn log(&self) -> PathBuf {
        self.folder.join("postgres.log")
    }

    /// Makes the log file, which the user who writes it could not do in a folder of root.
    pub(crate) fn make_log(&self, identity: &Identity) -> Result<(), Error> {
        let log = self.log();
        if log.exists() {
            return Ok(());
        }
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&log)
            .doing(|| format!("make {}", log.display()))?;
        identity.own(&log)
    }

    /// The last lines of the log, which is where a program says what went wrong.
    pub(crate) fn end_of_log(&self) -> String {
        let log = self.log();
        match fs::read(&log) {
            Ok(bytes) => {
                let text = String::from_utf8_lossy(&bytes);
                let lines: Vec<&str> = text.lines().collect();
                lines[lines.len().saturating_sub(15)..].join("\n")
            }
            Err(error) => format!("(could not read {}: {error})", log.display()),
        }
    }

    /// The locks of the folder.
    pub(crate) fn locks(&self) -> &Locks {
        &self.locks
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if self.temporary {
            // What cannot be removed now is removed by the sweep of a later start.
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// The folder in which the data of `requested` is kept: itself, if Postgres can get there.
fn kept_folder(requested: PathBuf, identity: &Identity, progress: &mut dyn FnMut(&str)) -> Result<PathBuf, Error> {
    let is_new = !requested.exists();
    fs::create_dir_all(&requested).doing(|| format!("make {}", requested.display()))?;
    if is_new && identity.is_root() {
        // A strict umask must not keep Postgres out of a folder that we made for it.
        fs::set_permissions(&requested, Permissions::from_mode(0o755))
            .doing(|| format!("open {} for PostgreSQL", requested.display()))?;
    }
    if requested.join("PG_VERSION").exists() {
        return Err(Error::NotOurs { folder: requested });
    }
    elsewhere::resolve(requested, identity, progress)
}
