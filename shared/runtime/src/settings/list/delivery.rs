//! Settings of the API and of deliveries.

#![expect(missing_docs, reason = "`meaning` documents a setting")]

use super::super::setting::Program::{Admin, Cli, Dispatch, Handlers};
use super::super::setting::{OPTIONAL, Setting};

pub(super) const ALL: [Setting; 19] = [
    QSTASH_TOKEN,
    QSTASH_CURRENT_SIGNING_KEY,
    QSTASH_NEXT_SIGNING_KEY,
    API_RATE_LIMIT_PER_SECOND,
    ALLOW_TARGETS,
    SIGV4_TARGETS,
    MAX_BODY_BYTES,
    MAX_IN_FLIGHT,
    MAX_DISPATCHERS,
    LEASE_SECONDS,
    LONGEST_ATTEMPT_SECONDS,
    SHUTDOWN_GRACE_SECONDS,
    TERMINATION_GRACE_SECONDS,
    DEDUPLICATION_WINDOW_SECONDS,
    DEDUPLICATION_RELEASE_ON_FAILURE,
    SCHEDULE_GROUP,
    SCHEDULE_TARGET_ARN,
    SCHEDULE_ROLE_ARN,
    SCHEDULE_DEAD_LETTER_ARN,
];

pub const QSTASH_TOKEN: Setting = Setting {
    name: "QSTASH_TOKEN",
    meaning: "Token of the API. `sigpost serve` rejects QStash's public development token.",
    programs: &[Dispatch, Admin, Cli],
    form: "at least 16 characters, such as `openssl rand -hex 32` makes",
    is_required: true,
    is_secret: true,
    ..OPTIONAL
};

pub const QSTASH_CURRENT_SIGNING_KEY: Setting = Setting {
    name: "QSTASH_CURRENT_SIGNING_KEY",
    meaning: "Key that signs deliveries. Handlers require it; a dispatcher generates the first keys of a database.",
    programs: &[Dispatch, Handlers],
    form: "at least 32 bytes",
    is_secret: true,
    ..OPTIONAL
};

pub const QSTASH_NEXT_SIGNING_KEY: Setting = Setting {
    name: "QSTASH_NEXT_SIGNING_KEY",
    meaning: "Key after the next rotation. Set both keys or neither.",
    programs: &[Dispatch, Handlers],
    form: "at least 32 bytes, different from the current key",
    is_secret: true,
    ..OPTIONAL
};

pub const API_RATE_LIMIT_PER_SECOND: Setting = Setting {
    name: "API_RATE_LIMIT_PER_SECOND",
    meaning: "Requests per second of a token to one process, without publishes.",
    programs: &[Dispatch],
    default: Some("100"),
    form: "a whole number; 0 means no limit",
    ..OPTIONAL
};

pub const ALLOW_TARGETS: Setting = Setting {
    name: "ALLOW_TARGETS",
    meaning: "Private destinations that are allowed.",
    programs: &[Dispatch],
    form: "networks (`10.0.0.0/8`), addresses, hosts and patterns (`*.internal`), separated by commas",
    ..OPTIONAL
};

pub const SIGV4_TARGETS: Setting = Setting {
    name: "SIGV4_TARGETS",
    meaning: "Hosts whose deliveries are signed with AWS Signature Version 4. Requires `AWS_REGION`.",
    programs: &[Dispatch],
    form: "hosts and patterns (`*.on.aws`), separated by commas",
    ..OPTIONAL
};

pub const MAX_BODY_BYTES: Setting = Setting {
    name: "MAX_BODY_BYTES",
    meaning: "Maximum size of a message's body.",
    programs: &[Dispatch, Handlers],
    default: Some("10000000"),
    form: "a whole number of at least 1",
    ..OPTIONAL
};

pub const MAX_IN_FLIGHT: Setting = Setting {
    name: "MAX_IN_FLIGHT",
    meaning: "Maximum number of messages in flight in a process.",
    programs: &[Dispatch],
    default: Some("1024"),
    form: "a whole number of at least 1",
    ..OPTIONAL
};

pub const MAX_DISPATCHERS: Setting = Setting {
    name: "MAX_DISPATCHERS",
    meaning: "Maximum number of concurrent dispatchers in Lambda.",
    programs: &[Dispatch],
    default: Some("4"),
    form: "a whole number of at least 1",
    ..OPTIONAL
};

pub const LEASE_SECONDS: Setting = Setting {
    name: "LEASE_SECONDS",
    meaning: "Duration of a lease: the time until another dispatcher takes over after a crash.",
    programs: &[Dispatch],
    default: Some("20"),
    form: "a whole number of at least 1; below 5 is a warning",
    ..OPTIONAL
};

pub const LONGEST_ATTEMPT_SECONDS: Setting = Setting {
    name: "LONGEST_ATTEMPT_SECONDS",
    meaning: "Maximum timeout of an attempt, and its default.",
    programs: &[Dispatch],
    default: Some("7200"),
    form: "a whole number of at least 1",
    ..OPTIONAL
};

pub const SHUTDOWN_GRACE_SECONDS: Setting = Setting {
    name: "SHUTDOWN_GRACE_SECONDS",
    meaning: "Grace period at shutdown for attempts in flight.",
    programs: &[Dispatch],
    default: Some("25"),
    form: "a whole number, less than `TERMINATION_GRACE_SECONDS`",
    ..OPTIONAL
};

pub const TERMINATION_GRACE_SECONDS: Setting = Setting {
    name: "TERMINATION_GRACE_SECONDS",
    meaning: "Seconds from SIGTERM to SIGKILL on your platform.",
    programs: &[Dispatch],
    form: "a whole number",
    ..OPTIONAL
};

pub const DEDUPLICATION_WINDOW_SECONDS: Setting = Setting {
    name: "DEDUPLICATION_WINDOW_SECONDS",
    meaning: "Default deduplication window.",
    programs: &[Dispatch],
    default: Some("600"),
    form: "a whole number of at least 1",
    ..OPTIONAL
};

pub const DEDUPLICATION_RELEASE_ON_FAILURE: Setting = Setting {
    name: "DEDUPLICATION_RELEASE_ON_FAILURE",
    meaning: "Whether a deduplication ID is released when its message becomes a dead letter.",
    programs: &[Dispatch],
    default: Some("false"),
    form: "true or false",
    ..OPTIONAL
};

pub const SCHEDULE_GROUP: Setting = Setting {
    name: "SCHEDULE_GROUP",
    meaning: "Group in EventBridge Scheduler, which then fires the schedules.",
    programs: &[Dispatch],
    form: "name of a schedule group",
    ..OPTIONAL
};

pub const SCHEDULE_TARGET_ARN: Setting = Setting {
    name: "SCHEDULE_TARGET_ARN",
    meaning: "The dispatch function. Required with `SCHEDULE_GROUP`.",
    programs: &[Dispatch],
    form: "an ARN",
    ..OPTIONAL
};

pub const SCHEDULE_ROLE_ARN: Setting = Setting {
    name: "SCHEDULE_ROLE_ARN",
    meaning: "Role that may invoke the function. Required with `SCHEDULE_GROUP`.",
    programs: &[Dispatch],
    form: "an ARN",
    ..OPTIONAL
};

pub const SCHEDULE_DEAD_LETTER_ARN: Setting = Setting {
    name: "SCHEDULE_DEAD_LETTER_ARN",
    meaning: "SQS queue for failed invocations.",
    programs: &[Dispatch],
    form: "an ARN",
    ..OPTIONAL
};
