//! Data that cannot be kept in the folder that was asked for.
//!
//! As root, Postgres runs as an unprivileged user, who cannot get into a folder under a closed
//! one such as `/root`. Opening `/root` is not ours to do, so the data then goes to a folder in
//! `/var/tmp`, and a note in the folder that was asked for says where. The note is what counts
//! afterwards: the data stays found even if the folder becomes reachable.

use std::{
    fs::{self, DirBuilder, Permissions},
    io::{self, ErrorKind},
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use crate::{
    error::{Doing, Error},
    identity::Identity,
    random::to_hex,
    text_file::read_if_there,
};

const NOTE: &str = "data-is-elsewhere.txt";
const BASE: &str = "/var/tmp";

/// The folder in which the data of `requested` really is.
pub(crate) fn resolve(
    requested: PathBuf,
    identity: &Identity,
    progress: &mut dyn FnMut(&str),
) -> Result<PathBuf, Error> {
    let note = requested.join(NOTE);
    if let Some(folder) = read_note(&note)? {
        progress(&format!("the data of {} is in {}", requested.display(), folder.display()));
        if identity.is_root() {
            make(&folder)?;
        }
        return Ok(folder);
    }
    let Some(user) = identity.dropped_to() else {
        return Ok(requested);
    };
    if identity.can_enter(&requested) {
        return Ok(requested);
    }

    let folder = stand_in(&requested);
    make(&folder)?;
    fs::write(&note, note_text(&folder, user)).doing(|| format!("write {}", note.display()))?;
    progress(&format!(
        "PostgreSQL runs as user {user}, who cannot enter {}; keeping the data in {}",
        requested.display(),
        folder.display()
    ));
    Ok(folder)
}

/// One name per requested folder, the same in every run and every release.
fn stand_in(requested: &Path) -> PathBuf {
    let digest = Sha256::digest(requested.as_os_str().as_encoded_bytes());
    let short = digest.first_chunk::<8>().map_or_else(String::new, |bytes| to_hex(bytes));
    Path::new(BASE).join(format!("sigpost-{short}"))
}

fn note_text(folder: &Path, user: &str) -> String {
    format!(
        "{}\n\nThe PostgreSQL data of this folder is kept in the folder named above: sigpost was \
         run by root,\nPostgreSQL then runs as user {user}, and that user cannot enter this \
         folder.\nRemove both folders to remove the data.\n",
        folder.display()
    )
}

fn read_note(note: &Path) -> Result<Option<PathBuf>, Error> {
    let text = read_if_there(note)?;
    Ok(text.and_then(|text| text.lines().next().map(PathBuf::from)))
}

/// Creates the folder. Rejects one of another user: all users can write to `/var/tmp`, and the name can be guessed.
fn make(folder: &Path) -> Result<(), Error> {
    let made = DirBuilder::new().mode(0o755).create(folder);
    match made {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let found = fs::symlink_metadata(folder).doing(|| format!("look at {}", folder.display()))?;
            if found.is_dir() && found.uid() == 0 {
                return Ok(());
            }
            Err(io::Error::other("it exists and is not a folder of root")).doing(|| format!("use {}", folder.display()))
        }
        made => made
            .and_then(|()| fs::set_permissions(folder, Permissions::from_mode(0o755)))
            .doing(|| format!("make {}", folder.display())),
    }
}
