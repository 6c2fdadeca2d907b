//! Locks of a data folder.
//!
//! Two locks, because a killed process and its Postgres do not end at the same time:
//!
//! - `owner.lock` is held by the process that started the server. If it is taken, a live process uses
//!   this data, and the start fails immediately.
//! - `cluster.lock` is also held by the watchdog, for as long as Postgres or `initdb` runs. When
//!   only this one is taken, the owner was killed and they are being stopped: wait a moment.
//!
//! The operating system drops a lock when the last process that holds it ends, however it ended.
//! So no process IDs are compared, which could have been reused.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    process, thread,
    time::{Duration, Instant},
};

use crate::error::{Doing, Error};

const OWNER: &str = "owner.lock";
const CLUSTER: &str = "cluster.lock";

/// The watchdog gives Postgres 15 s for a clean end and then some for an unclean one.
const ENDING: Duration = Duration::from_secs(30);

/// Another thread that is just starting a program holds a copy of our locks until its `exec`.
const STRAY_COPY: Duration = Duration::from_millis(200);

/// Both locks of a folder; dropped, they are free again.
#[derive(Debug)]
pub(crate) struct Locks {
    _owner: File,
    cluster: File,
}

impl Locks {
    /// Acquires the locks of a folder. The error names the holder.
    pub(crate) fn take(folder: &Path, progress: &mut dyn FnMut(&str)) -> Result<Self, Error> {
        let mut owner = open(&folder.join(OWNER))?;
        if !lock_within(&owner, &folder.join(OWNER), STRAY_COPY)? {
            return Err(Error::InUse { folder: folder.to_owned(), pid: owner_pid(folder) });
        }
        owner
            .set_len(0)
            .and_then(|()| writeln!(owner, "{}", process::id()))
            .doing(|| format!("write {}", folder.join(OWNER).display()))?;

        let cluster = open(&folder.join(CLUSTER))?;
        if !lock_within(&cluster, &folder.join(CLUSTER), STRAY_COPY)? {
            progress("waiting for the PostgreSQL of a run that was killed to stop");
            if !lock_within(&cluster, &folder.join(CLUSTER), ENDING)? {
                return Err(Error::InUse { folder: folder.to_owned(), pid: None });
            }
        }
        Ok(Self { _owner: owner, cluster })
    }

    /// Acquires both locks of a folder if they are free and both files exist, which proves that the folder was used and
    /// that all its users have ended.
    pub(crate) fn take_if_dead(folder: &Path) -> Option<Self> {
        let take = |name| {
            let path = folder.join(name);
            // Anything but a plain file was not made by us, and could block us when opened.
            fs::symlink_metadata(&path).ok().filter(fs::Metadata::is_file)?;
            let file = File::open(&path).ok()?;
            file.try_lock().ok()?;
            Some(file)
        };
        Some(Self { _owner: take(OWNER)?, cluster: take(CLUSTER)? })
    }

    /// A second handle on the cluster's lock, to hand to the watchdog.
    pub(crate) fn share_cluster(&self) -> Result<File, Error> {
        self.cluster.try_clone().doing(|| "share the lock of the cluster".to_owned())
    }
}

/// Opens a lock file with access for this user only: a user who can open it can also lock it.
fn open(path: &Path) -> Result<File, Error> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options.open(path).doing(|| format!("open {}", path.display()))
}

fn lock_within(file: &File, path: &Path, patience: Duration) -> Result<bool, Error> {
    let deadline = Instant::now() + patience;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) if Instant::now() >= deadline => return Ok(false),
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(20)),
            Err(TryLockError::Error(source)) => {
                return Err(source).doing(|| format!("lock {}", path.display()));
            }
        }
    }
}

fn owner_pid(folder: &Path) -> Option<u32> {
    let read: io::Result<String> = fs::read_to_string(folder.join(OWNER));
    read.ok()?.trim().parse().ok()
}
