//! The user that Postgres runs as.
//!
//! Postgres and `initdb` do not run as root. When we are root, they get the uid of an
//! unprivileged user, and own what they write. Otherwise they are simply ours.

use std::{
    env,
    ffi::OsStr,
    fs,
    os::unix::{fs::chown, process::CommandExt},
    path::Path,
    process::{Command, Stdio},
};

use crate::error::{Doing, Error};

/// The users to drop to, best first. `_postgres` is what macOS calls it.
const UNPRIVILEGED_USERS: [&str; 3] = ["postgres", "_postgres", "nobody"];

/// The user that Postgres runs as.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    /// The uid that Postgres has.
    uid: u32,
    /// Set when we are root: the account that Postgres is given instead of ours.
    drop_to: Option<Account>,
}

/// A line of `/etc/passwd`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Account {
    name: String,
    uid: u32,
    gid: u32,
}

impl Identity {
    /// The user that Postgres runs as when this process starts it.
    pub(crate) fn current() -> Result<Self, Error> {
        let uid = effective_uid()?;
        if uid != 0 {
            return Ok(Self { uid, drop_to: None });
        }
        let passwd = fs::read_to_string("/etc/passwd").doing(|| "read /etc/passwd".to_owned())?;
        let account = unprivileged_account(&passwd).ok_or(Error::NoUser)?;
        Ok(Self { uid: account.uid, drop_to: Some(account) })
    }

    /// The uid that Postgres has.
    pub(crate) fn uid(&self) -> u32 {
        self.uid
    }

    /// The name of the account we drop to, when we are root.
    pub(crate) fn dropped_to(&self) -> Option<&str> {
        self.drop_to.as_ref().map(|account| account.name.as_str())
    }

    /// Whether this process is root, and Postgres therefore runs as another user.
    pub(crate) fn is_root(&self) -> bool {
        self.drop_to.is_some()
    }

    /// A command that runs as this user, from `/`, without the caller's `PG…` variables: a
    /// stray `PGDATA` or `PGPORT` must not reach the server.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        for (name, _) in env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"PG") {
                command.env_remove(name);
            }
        }
        // Messages are read here, so they have to be English. On macOS a locale must also be
        // set, or the system library starts a thread and the server exits.
        command.env("LC_ALL", "C");
        command.current_dir("/").stdin(Stdio::null());
        if let Some(account) = &self.drop_to {
            // std also drops root's supplementary groups when it changes the uid.
            command.uid(account.uid).gid(account.gid);
        }
        command
    }

    /// Gives a file or folder that we made to this user. Does nothing unless we are root.
    pub(crate) fn own(&self, path: &Path) -> Result<(), Error> {
        let Some(account) = &self.drop_to else {
            return Ok(());
        };
        chown(path, Some(account.uid), Some(account.gid))
            .doing(|| format!("give {} to user {}", path.display(), account.name))
    }

    /// Whether this user can enter a folder. It is tried rather than computed, because mode
    /// bits are not the whole truth (access lists, mounts).
    pub(crate) fn can_enter(&self, folder: &Path) -> bool {
        self.tries("cd \"$1\"", folder)
    }

    /// Whether this user can make and remove files in a folder.
    pub(crate) fn can_write_in(&self, folder: &Path) -> bool {
        self.tries("cd \"$1\" && test -w .", folder)
    }

    fn tries(&self, script: &str, folder: &Path) -> bool {
        self.command("/bin/sh")
            .args(["-c", script, "sh"])
            .arg(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }
}

/// The effective uid. std cannot tell, and calling libc would need unsafe code.
fn effective_uid() -> Result<u32, Error> {
    let output = Command::new("id").arg("-u").output().doing(|| "run `id -u`".to_owned())?;
    String::from_utf8_lossy(&output.stdout)
        .trim()
        .parse()
        .map_err(std::io::Error::other)
        .doing(|| "read the answer of `id -u`".to_owned())
}

/// The best account in a `passwd` file to run Postgres as.
fn unprivileged_account(passwd: &str) -> Option<Account> {
    UNPRIVILEGED_USERS.iter().find_map(|name| {
        passwd.lines().filter_map(parse_account).find(|account| account.name == *name && account.uid != 0)
    })
}

fn parse_account(line: &str) -> Option<Account> {
    let mut fields = line.split(':');
    let name = fields.next()?.to_owned();
    let uid = parse_id(fields.nth(1)?)?;
    let gid = parse_id(fields.next()?)?;
    Some(Account { name, uid, gid })
}

/// macOS writes the ids of `nobody` as -2, which means 4294967294.
fn parse_id(text: &str) -> Option<u32> {
    text.parse::<u32>().ok().or_else(|| text.parse::<i32>().ok().map(i32::cast_unsigned))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(name: &str, uid: u32, gid: u32) -> Account {
        Account { name: name.to_owned(), uid, gid }
    }

    #[test]
    fn the_postgres_account_is_preferred_over_nobody() {
        let passwd = "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n\
                      postgres:x:101:104::/var/lib/postgresql:/bin/bash\n";
        assert_eq!(unprivileged_account(passwd), Some(account("postgres", 101, 104)));
    }

    #[test]
    fn negative_ids_of_macos_are_understood_and_comments_skipped() {
        let passwd = "##\n# User Database\n##\nnobody:*:-2:-2:Unprivileged User:/var/empty:/usr/bin/false\n";
        assert_eq!(unprivileged_account(passwd), Some(account("nobody", 4_294_967_294, 4_294_967_294)));
    }
}
