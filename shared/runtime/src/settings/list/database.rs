//! Settings of the database.

#![expect(missing_docs, reason = "`meaning` documents a setting")]

use super::super::setting::Program::{Admin, Cli, Dispatch, Handlers, Ingress};
use super::super::setting::{OPTIONAL, Setting};

pub(super) const ALL: [Setting; 3] = [DATABASE_URL, DATABASE_PASSWORD, DATABASE_CONNECTIONS];

pub const DATABASE_URL: Setting = Setting {
    name: "DATABASE_URL",
    meaning: "URL of the database.",
    programs: &[Dispatch, Handlers, Ingress, Admin, Cli],
    form: "`postgres://USER:PASSWORD@HOST:5432/DATABASE`",
    is_required: true,
    is_secret: true,
    ..OPTIONAL
};

pub const DATABASE_PASSWORD: Setting = Setting {
    name: "DATABASE_PASSWORD",
    meaning: "Password for a `DATABASE_URL` without one.",
    programs: &[Dispatch, Handlers, Ingress, Admin, Cli],
    form: "any text",
    is_secret: true,
    ..OPTIONAL
};

pub const DATABASE_CONNECTIONS: Setting = Setting {
    name: "DATABASE_CONNECTIONS",
    meaning: "Maximum number of connections of a process to Postgres.",
    programs: &[Dispatch, Handlers, Ingress, Admin],
    default: Some("8"),
    other_defaults: &[("handlers", "3"), ("ingress", "4"), ("admin", "2"), ("Lambda", "1")],
    form: "a whole number of at least 1",
    ..OPTIONAL
};
