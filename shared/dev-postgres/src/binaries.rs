//! Which Postgres is run.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use crate::{download, error::Error, identity::Identity};

/// Folders that hold one folder per version: the parent, what the version's name starts with,
/// and where its programs are.
const VERSIONED: [(&str, &str, &str); 5] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/opt/homebrew/opt", "postgresql@", "bin"),
    ("/usr/local/opt", "postgresql@", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
];

/// A folder with the programs `postgres` and `initdb`, and their version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Binaries {
    folder: PathBuf,
    version: String,
}

impl Binaries {
    /// Finds a Postgres, downloading one when none is installed.
    ///
    /// `$PG_BIN` wins over everything. Otherwise the first one found is taken, except that data
    /// made by one major version (`wanted_major`) prefers that version.
    pub(crate) fn find(
        wanted_major: Option<&str>,
        identity: &Identity,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Self, Error> {
        if let Some(folder) = env::var_os("PG_BIN").filter(|value| !value.is_empty()) {
            let path = PathBuf::from(folder);
            return Self::inspect(&path, identity).map_err(|error| Error::PgBin { path, reason: error.to_string() });
        }

        let mut first = None;
        for folder in candidates(identity) {
            let Ok(found) = Self::inspect(&folder, identity) else {
                continue;
            };
            if wanted_major.is_none_or(|wanted| wanted == found.major()) {
                return Ok(found);
            }
            first.get_or_insert(found);
        }
        if let Some(found) = first {
            return Ok(found);
        }

        let folder = download::fetch(identity, progress)?;
        Self::inspect(&folder, identity).map_err(|error| Error::NotInstalled {
            reason: format!("the download in {} does not run: {error}", folder.display()),
        })
    }

    /// Runs `postgres --version` as the user of the server, which proves that the
    /// program is there, that it fits this machine, and that this user can reach it.
    fn inspect(folder: &Path, identity: &Identity) -> io::Result<Self> {
        // A link such as /usr/local/bin/postgres leads to the folder with the other programs.
        let postgres = fs::canonicalize(folder.join("postgres"))
            .map_err(|error| io::Error::new(error.kind(), format!("no program `postgres`: {error}")))?;
        let folder = postgres.parent().unwrap_or(folder).to_owned();
        if !folder.join("initdb").is_file() {
            return Err(io::Error::other("no program `initdb`"));
        }
        let output =
            identity.command(&postgres).arg("--version").output().map_err(|error| match identity.dropped_to() {
                Some(user) => io::Error::new(error.kind(), format!("as user {user}: {error}")),
                None => error,
            })?;
        let text = String::from_utf8_lossy(&output.stdout);
        let version = parse_version(&text).ok_or_else(|| {
            let complaint = String::from_utf8_lossy(&output.stderr);
            io::Error::other(format!("`postgres --version` answered {:?}", format!("{text}{complaint}").trim()))
        })?;
        Ok(Self { folder, version: version.to_owned() })
    }

    /// Such as `15.20`.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// Such as `15`, as a cluster's `PG_VERSION` says it.
    pub(crate) fn major(&self) -> &str {
        let end = self.version.find(|character: char| !character.is_ascii_digit()).unwrap_or(self.version.len());
        &self.version[..end]
    }

    /// The path of one of the programs.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// Every folder that may hold a Postgres, best first.
fn candidates(identity: &Identity) -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path: Vec<_> = env::split_paths(&path).filter(|folder| folder.is_absolute()).collect();
    let versioned = VERSIONED.iter().flat_map(|(parent, prefix, rest)| newest_first(Path::new(parent), prefix, rest));
    on_path.into_iter().chain(versioned).chain(download::downloaded(identity))
}

/// The folders `<parent>/<prefix><version>/<rest>`, highest version first.
fn newest_first(parent: &Path, prefix: &str, rest: &str) -> Vec<PathBuf> {
    let mut found: Vec<(Vec<u32>, PathBuf)> = fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name();
            let version = name.to_str()?.strip_prefix(prefix)?;
            let numbers = version.split('.').map(str::parse).collect::<Result<_, _>>();
            Some((numbers.ok()?, entry.path().join(rest)))
        })
        .collect();
    found.sort_by(|one, other| other.0.cmp(&one.0));
    found.into_iter().map(|(_, folder)| folder).collect()
}

/// The `15.20` of `postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)`.
fn parse_version(text: &str) -> Option<&str> {
    let rest = text.trim().strip_prefix("postgres (PostgreSQL) ")?;
    rest.split_whitespace().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binaries(version: &str) -> Binaries {
        Binaries { folder: PathBuf::new(), version: version.to_owned() }
    }

    #[test]
    fn versions_are_read_with_and_without_a_packager_and_before_a_release() {
        let packaged = "postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)\n";
        assert_eq!(parse_version(packaged), Some("15.20"));
        assert_eq!(parse_version("postgres (PostgreSQL) 17.2\n"), Some("17.2"));
        assert_eq!(parse_version("sh: postgres: not found\n"), None);
        assert_eq!(binaries("15.20").major(), "15");
        assert_eq!(binaries("19beta1").major(), "19");
    }

    #[test]
    fn the_highest_version_comes_first_and_is_compared_as_a_number() {
        let parent = tempfile::tempdir().unwrap();
        for name in ["postgresql@9.6", "postgresql@17", "postgresql@15", "postgresql@x", "pg"] {
            fs::create_dir(parent.path().join(name)).unwrap();
        }
        let folders = newest_first(parent.path(), "postgresql@", "bin");
        let expected =
            ["postgresql@17", "postgresql@15", "postgresql@9.6"].map(|name| parent.path().join(name).join("bin"));
        assert_eq!(folders, expected);
    }
}
