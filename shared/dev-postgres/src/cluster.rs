//! The database cluster: what `initdb` makes once, and Postgres then owns.

use std::{
    ffi::OsString,
    fs::{self, DirBuilder, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::Path,
};

use crate::{
    binaries::Binaries,
    error::{Doing, Error},
    home::Home,
    identity::Identity,
    options::Durability,
    random,
    text_file::read_if_there,
    watchdog::Watchdog,
};

/// Superuser that `initdb` creates and all clients use.
pub(crate) const USER: &str = "sigpost";

/// Where `initdb` works; only what it finished is renamed to the real name.
const UNFINISHED: &str = "cluster.unfinished-";

/// The major version of the cluster, or `None` when there is no cluster yet.
pub(crate) fn major(home: &Home, identity: &Identity) -> Result<Option<String>, Error> {
    let cluster = home.cluster();
    let owner = match fs::metadata(&cluster) {
        Ok(found) => found.uid(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).doing(|| format!("look at {}", cluster.display())),
    };
    if owner != identity.uid() {
        return Err(Error::OtherOwner { folder: home.folder().to_owned(), owner, user: identity.uid() });
    }
    let version = read_if_there(&cluster.join("PG_VERSION"))?;
    version.map(|text| Some(text.trim().to_owned())).ok_or_else(|| Error::NotOurs { folder: home.folder().to_owned() })
}

/// Creates the cluster if it does not exist. Returns the password of [`USER`].
///
/// `major` is the version of the cluster that is there already, from [`major()`].
pub(crate) fn prepare(
    home: &Home,
    major: Option<String>,
    binaries: &Binaries,
    identity: &Identity,
    durability: Durability,
    progress: &mut dyn FnMut(&str),
) -> Result<String, Error> {
    match major {
        Some(major) if major != binaries.major() => Err(Error::OtherMajor {
            folder: home.folder().to_owned(),
            cluster: major,
            installed: binaries.version().to_owned(),
        }),
        Some(_) => read_if_there(&home.password())?.ok_or_else(|| Error::NotOurs { folder: home.folder().to_owned() }),
        None => {
            progress(&format!(
                "initialising a database cluster in {} (PostgreSQL {})",
                home.folder().display(),
                binaries.version()
            ));
            initialise(home, binaries, identity, durability)
        }
    }
}

fn initialise(home: &Home, binaries: &Binaries, identity: &Identity, durability: Durability) -> Result<String, Error> {
    remove_unfinished(home.folder())?;
    let password = write_password(&home.password(), identity)?;

    let unfinished = home.folder().join(format!("{UNFINISHED}{}", random::hex::<6>()?));
    DirBuilder::new().mode(0o700).create(&unfinished).doing(|| format!("make {}", unfinished.display()))?;
    identity.own(&unfinished)?;

    let mut arguments: Vec<OsString> = vec!["--pgdata".into(), unfinished.clone().into()];
    arguments.extend(["--pwfile".into(), home.password().into()]);
    arguments.extend(["--username", USER, "--auth=scram-sha-256"].map(OsString::from));
    arguments.extend(["--encoding=UTF8", "--locale=C"].map(OsString::from));
    // Waiting until a thousand small files are on disk takes seconds on a slow one, and data that
    // is removed in the end is not worth it.
    if durability == Durability::Fast || home.folder_to_remove().is_some() {
        arguments.push("--no-sync".into());
    }
    let mut initdb = Watchdog::start(identity, home, &binaries.program("initdb"), &arguments)?;
    let status = initdb.wait().doing(|| "wait for initdb".to_owned())?;
    if !status.success() {
        // What is left of it goes with the next attempt.
        return Err(Error::Initdb { output: home.end_of_log() });
    }
    fs::rename(&unfinished, home.cluster()).doing(|| format!("make {}", home.cluster().display()))?;
    Ok(password)
}

fn remove_unfinished(folder: &Path) -> Result<(), Error> {
    let entries = fs::read_dir(folder).doing(|| format!("list {}", folder.display()))?;
    for entry in entries.flatten() {
        let name = entry.file_name();
        if name.as_encoded_bytes().starts_with(UNFINISHED.as_bytes()) {
            fs::remove_dir_all(entry.path()).doing(|| format!("remove {}", entry.path().display()))?;
        }
    }
    Ok(())
}

fn write_password(path: &Path, identity: &Identity) -> Result<String, Error> {
    let password = random::hex::<16>()?;
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(error).doing(|| format!("replace {}", path.display()));
        }
        _ => {}
    }
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(password.as_bytes()));
    written.doing(|| format!("write {}", path.display()))?;
    identity.own(path)?;
    Ok(password)
}
