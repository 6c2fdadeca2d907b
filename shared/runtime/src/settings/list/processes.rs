//! Settings of every process.

#![expect(missing_docs, reason = "`meaning` documents a setting")]

use super::super::setting::Program::{All, CheckJobHealth, Cli, Dispatch};
use super::super::setting::{OPTIONAL, Setting};

pub(super) const ALL: [Setting; 5] = [LISTEN, MAX_CONNECTIONS_PER_ADDRESS, LOG_FORMAT, RUST_LOG, SIGPOST_DEPLOYMENT];

pub const LISTEN: Setting = Setting {
    name: "LISTEN",
    meaning: "Address of the server. No effect in Lambda and in `sigpost dev`.",
    programs: &[All, Cli],
    default: Some("127.0.0.1:8080"),
    form: "an address and a port such as 127.0.0.1:8080",
    ..OPTIONAL
};

pub const MAX_CONNECTIONS_PER_ADDRESS: Setting = Setting {
    name: "MAX_CONNECTIONS_PER_ADDRESS",
    meaning: "Maximum number of connections of one client address, of 4,096 per process. Raise it behind a proxy. No effect in Lambda.",
    programs: &[All],
    default: Some("1024"),
    form: "a whole number of at least 1",
    ..OPTIONAL
};

pub const LOG_FORMAT: Setting = Setting {
    name: "LOG_FORMAT",
    meaning: "Format of log lines. In Lambda always `json`.",
    programs: &[All],
    default: Some("text"),
    form: "`text` or `json`",
    ..OPTIONAL
};

pub const RUST_LOG: Setting = Setting {
    name: "RUST_LOG",
    meaning: "Filter of log lines.",
    programs: &[All],
    default: Some("info"),
    form: "a level (`error`, `warn`, `info`, `debug`, `trace`, `off`) or a list such as `info,dispatch=debug`",
    ..OPTIONAL
};

pub const SIGPOST_DEPLOYMENT: Setting = Setting {
    name: "SIGPOST_DEPLOYMENT",
    meaning: "Name of the deployment in metrics and alerts.",
    programs: &[Dispatch, CheckJobHealth],
    default: Some("sigpost"),
    form: "one line",
    ..OPTIONAL
};
