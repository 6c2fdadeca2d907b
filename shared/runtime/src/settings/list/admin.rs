//! Settings of the admin API, the console and their clients.

#![expect(missing_docs, reason = "`meaning` documents a setting")]

use super::super::setting::Program::{Admin, Cli, Serve};
use super::super::setting::{OPTIONAL, Setting};

pub(super) const ALL: [Setting; 5] = [ADMIN_AUTH, ADMIN_TOKEN, QSTASH_URL, ADMIN_URL, ADMIN_IAM];

pub const ADMIN_AUTH: Setting = Setting {
    name: "ADMIN_AUTH",
    meaning: "How the admin API authorizes requests.",
    programs: &[Admin],
    default: Some("token"),
    form: "`token` or, in Lambda, `iam`",
    ..OPTIONAL
};

pub const ADMIN_TOKEN: Setting = Setting {
    name: "ADMIN_TOKEN",
    meaning: "Token of the admin API, the metrics and the console. Required for `admin` with `ADMIN_AUTH=token`.",
    programs: &[Serve, Admin, Cli],
    form: "at least 32 characters",
    is_secret: true,
    ..OPTIONAL
};

pub const QSTASH_URL: Setting = Setting {
    name: "QSTASH_URL",
    meaning: "URL of the API. `admin` has no console without it.",
    programs: &[Admin, Cli],
    other_defaults: &[("CLI", "http://127.0.0.1:8080")],
    form: "an http or https URL",
    ..OPTIONAL
};

pub const ADMIN_URL: Setting = Setting {
    name: "ADMIN_URL",
    meaning: "URL of the admin API. Default: `QSTASH_URL`.",
    programs: &[Cli],
    form: "an http or https URL",
    ..OPTIONAL
};

pub const ADMIN_IAM: Setting = Setting {
    name: "ADMIN_IAM",
    meaning: "Whether requests to the admin API are signed with AWS credentials.",
    programs: &[Cli],
    form: "`true` or `false`",
    ..OPTIONAL
};
