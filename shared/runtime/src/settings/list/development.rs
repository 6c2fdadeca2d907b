//! Settings of development and of the terminal.

#![expect(missing_docs, reason = "`meaning` documents a setting")]

use super::super::setting::Program::{Cli, Dev};
use super::super::setting::{OPTIONAL, Setting};

pub(super) const ALL: [Setting; 4] = [SIGPOST_DATA_DIR, SIGPOST_DEV_DATABASE_URL, PG_BIN, NO_COLOR];

pub const SIGPOST_DATA_DIR: Setting = Setting {
    name: "SIGPOST_DATA_DIR",
    meaning: "Data of `sigpost dev`.",
    programs: &[Dev],
    default: Some(".sigpost"),
    form: "path of a folder",
    ..OPTIONAL
};

pub const SIGPOST_DEV_DATABASE_URL: Setting = Setting {
    name: "SIGPOST_DEV_DATABASE_URL",
    meaning: "Database to use instead of the embedded one.",
    programs: &[Dev],
    form: "`postgres://USER:PASSWORD@HOST:5432/DATABASE`",
    is_secret: true,
    ..OPTIONAL
};

pub const PG_BIN: Setting = Setting {
    name: "PG_BIN",
    meaning: "Programs of Postgres to use instead of a download.",
    programs: &[Dev],
    form: "path of a folder",
    ..OPTIONAL
};

pub const NO_COLOR: Setting =
    Setting { name: "NO_COLOR", meaning: "Disables colors.", programs: &[Cli], form: "any text", ..OPTIONAL };
