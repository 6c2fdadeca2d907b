//! Temporary data folders.

use std::{
    env,
    fs::{self, DirBuilder},
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
    process,
};

use crate::{
    error::{Doing, Error},
    identity::Identity,
    lock::Locks,
    random,
};

const PREFIX: &str = "sigpost-postgres-";

/// Where temporary folders are made: the system's place, if Postgres's user can work there. The
/// watchdog is that user, and has to remove the folder.
pub(crate) fn base(identity: &Identity) -> PathBuf {
    let usual = env::temp_dir();
    if identity.is_root() && !identity.can_write_in(&usual) {
        return PathBuf::from("/var/tmp");
    }
    usual
}

/// Makes a new folder and takes its locks.
///
/// It gets its final name only once its locks are held. So the sweep of another process never
/// sees a folder that is new and not locked yet.
pub(crate) fn create(base: &Path, identity: &Identity) -> Result<(PathBuf, Locks), Error> {
    let name = format!("{PREFIX}{}-{}", process::id(), random::hex::<6>()?);
    let unfinished = base.join(format!(".{name}"));
    let folder = base.join(name);

    DirBuilder::new().mode(0o700).create(&unfinished).doing(|| format!("make {}", unfinished.display()))?;
    let locks = Locks::take(&unfinished, &mut |_| {})?;
    fs::rename(&unfinished, &folder).doing(|| format!("make {}", folder.display()))?;
    // The watchdog runs as this user too, and removes the folder if we are killed.
    identity.own(&folder)?;
    Ok((folder, locks))
}

/// Removes the folders of ended runs, whose locks are free.
///
/// A run that was killed has normally been cleaned up by its watchdog; this is for the rest,
/// such as a process killed in the middle of `initdb`. What cannot be removed is left alone.
pub(crate) fn sweep(base: &Path, identity: &Identity) {
    let Ok(entries) = fs::read_dir(base) else {
        return;
    };
    for entry in entries.flatten() {
        let is_named_like_ours = entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes());
        let folder = entry.path();
        if !is_named_like_ours || !is_folder_of(&folder, identity) {
            continue;
        }
        if let Some(_locks) = Locks::take_if_dead(&folder) {
            let _ = fs::remove_dir_all(&folder);
        }
    }
}

/// `base` is open to every user; only our own folders are ours to remove.
fn is_folder_of(folder: &Path, identity: &Identity) -> bool {
    fs::symlink_metadata(folder).is_ok_and(|found| found.is_dir() && found.uid() == identity.uid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folder_is_removed_only_without_locks() {
        let base = tempfile::tempdir().unwrap();
        let identity = Identity::current().unwrap();
        let (alive, locks) = create(base.path(), &identity).unwrap();
        let (dead, locks_of_dead) = create(base.path(), &identity).unwrap();
        let foreign = base.path().join(format!("{PREFIX}without-locks"));
        fs::create_dir(&foreign).unwrap();
        drop(locks_of_dead);

        sweep(base.path(), &identity);

        assert!(alive.exists());
        assert!(!dead.exists());
        assert!(foreign.exists(), "nothing proves that it is ours and over");
        drop(locks);
    }
}
