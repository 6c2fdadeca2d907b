//! The command line of `postgres`.
//!
//! Everything is said here and nothing in `postgresql.conf`, so a change in this file also
//! reaches a cluster that was made by an earlier version.

use std::{ffi::OsString, path::Path};

use crate::options::{Durability, Options};

/// The arguments of `postgres` for a cluster and a port.
pub(crate) fn arguments(cluster: &Path, port: u16, options: &Options) -> Vec<OsString> {
    let fixed = [
        // Local connections only, and no socket file that could be left behind.
        ("listen_addresses", "127.0.0.1"),
        ("unix_socket_directories", ""),
        ("shared_buffers", "128MB"),
        ("max_wal_size", "1GB"),
        ("timezone", "UTC"),
        ("log_timezone", "UTC"),
        // The log is searched for the reason when a start fails.
        ("lc_messages", "C"),
        ("autovacuum", "on"),
    ];
    let durable = match options.durability {
        Durability::Durable => "on",
        Durability::Fast => "off",
    };
    let max_connections = match options.durability {
        Durability::Durable => "100",
        // Many tests at once share one server.
        Durability::Fast => "200",
    };
    let chosen = [
        ("fsync", durable),
        ("synchronous_commit", durable),
        ("full_page_writes", durable),
        ("max_connections", max_connections),
    ];

    let ours = fixed.into_iter().chain(chosen);
    let extra = options.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let port = port.to_string();
    // What is given twice counts as it was given last. The port is the one that we wait for.
    let settings = ours.chain(extra).chain([("port", port.as_str())]);

    let mut arguments: Vec<OsString> = vec!["-D".into(), cluster.into()];
    for (name, value) in settings {
        arguments.push("-c".into());
        arguments.push(format!("{name}={value}").into());
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::DataDir;

    #[test]
    fn a_setting_of_the_caller_comes_after_ours_but_never_moves_the_port() {
        let options = Options {
            data_dir: DataDir::Temporary,
            durability: Durability::Durable,
            settings: vec![("max_connections".to_owned(), "7".to_owned()), ("port".to_owned(), "1".to_owned())],
        };
        let arguments = arguments(Path::new("/data"), 5000, &options);
        let last =
            |name: &str| arguments.iter().filter_map(|argument| argument.to_str()?.strip_prefix(name)).next_back();
        assert_eq!(last("max_connections="), Some("7"));
        assert_eq!(last("port="), Some("5000"));
        assert_eq!(last("fsync="), Some("on"));
    }
}
