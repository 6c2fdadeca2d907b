//! The file `postmaster.pid`, in which a running Postgres says how it is.

use std::path::Path;

use crate::{error::Error, text_file::read_if_there};

/// What `postmaster.pid` says. It may be half written or left over from a crash.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Postmaster {
    /// The first process of the server.
    pub(crate) pid: u32,
    /// When it was started, in seconds since 1970.
    pub(crate) started_at: Option<u64>,
    /// The TCP port.
    pub(crate) port: Option<u16>,
    /// Whether it accepts connections.
    pub(crate) is_ready: bool,
}

impl Postmaster {
    /// Reads the file of a cluster, with `None` when there is none.
    pub(crate) fn read(cluster: &Path) -> Result<Option<Self>, Error> {
        let text = read_if_there(&cluster.join("postmaster.pid"))?;
        Ok(text.as_deref().and_then(Self::parse))
    }

    /// The lines are: pid, data folder, start time, port, socket folder, listen address, shared
    /// memory key, status.
    fn parse(text: &str) -> Option<Self> {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        Some(Self {
            pid: lines.first()?.parse().ok()?,
            started_at: lines.get(2).and_then(|line| line.parse().ok()),
            port: lines.get(3).and_then(|line| line.parse().ok()),
            is_ready: lines.get(7) == Some(&"ready"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_understood_while_it_is_being_written() {
        let whole = "4711\n/data\n1795337000\n40001\n\n127.0.0.1\n  1234567  7\nready   \n";
        let ready = Postmaster { pid: 4711, started_at: Some(1_795_337_000), port: Some(40001), is_ready: true };
        assert_eq!(Postmaster::parse(whole), Some(ready));

        let half = Postmaster::parse("4711\n/data\n1795337000\n").unwrap();
        assert_eq!((half.pid, half.port, half.is_ready), (4711, None, false));
        assert_eq!(Postmaster::parse(""), None);
    }
}
