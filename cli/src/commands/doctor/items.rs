//! The list of items. `--list`, the checks and the tests of the production checklist use it.

use std::future::Future;
use std::pin::Pin;

use anyhow::Result;

use super::finding::Finding;
use super::subject::Subject;
use super::{alerts, backups, database, handlers, jobs, keys, leases, network, retention, schedules, schema, settings};

type Checking<'a> = Pin<Box<dyn Future<Output = Result<Finding>> + 'a>>;

/// Item of the checklist.
pub(super) struct Item {
    /// ID, stable across versions.
    pub(super) id: &'static str,
    /// Requirement that the item checks.
    pub(super) title: &'static str,
    pub(super) check: for<'a> fn(&'a Subject) -> Checking<'a>,
}

macro_rules! items {
    ($($id:literal $check:path: $title:literal;)+) => {
        &[$(Item { id: $id, title: $title, check: |subject| Box::pin($check(subject)) }),+]
    };
}

pub(super) const ITEMS: &[Item] = items! {
    "settings" settings::settings: "settings are valid and match each other";
    "log-level" settings::log_level: "the log level is info or warn";

    "database-reachable" database::reachable: "the database responds within milliseconds";
    "database-version" database::version: "the Postgres version is supported";
    "database-tls" database::tls: "the connection to the database is encrypted";
    "database-clock" database::clock: "this machine's clock agrees with the database's";
    "connection-budget" database::connection_budget: "connections suffice, also during a rolling deployment";
    "session-timeouts" database::session_timeouts: "no session timeout interrupts statements or the listener";
    "listen" database::listen: "notifications arrive";
    "privileges" database::privileges: "the role has all privileges";
    "durability" database::durability: "commits survive a crash of the server";
    "long-transactions" database::long_transactions: "no long transaction blocks vacuum";
    "backups" backups::backups: "the database is backed up";

    "migrations" schema::migrations: "every migration is applied";
    "schema" schema::schema: "tables, columns, constraints, functions and triggers are unchanged";
    "indexes" schema::indexes: "all indexes exist, unchanged and valid";
    "autovacuum" schema::autovacuum: "autovacuum is on, with the settings of the tables";
    "dead-rows" schema::dead_rows: "vacuum keeps up with dead rows";

    "processes" leases::processes: "at least two processes deliver";
    "lease" leases::lease: "the lease outlasts a slow commit";
    "heartbeats" leases::heartbeats: "leases of runs are renewed in time";
    "lost-leases" leases::lost_leases: "no lease is lost";
    "shutdown-grace" leases::shutdown_grace: "most runs end within the shutdown grace period";

    "overdue" jobs::overdue: "due messages are delivered promptly";
    "queue-depth" jobs::queue_depth: "no backlog grows";
    "waiting" jobs::waiting: "no message is blocked for long";
    "stuck-runs" jobs::stuck_runs: "no run is stuck";
    "failure-rate" jobs::failure_rate: "few runs fail";
    "job-durations" jobs::durations: "runs end well within their timeouts";

    "retry-horizon" retention::retry_horizon: "the last retry comes before retention deletes the first attempts";
    "dead-letters" retention::dead_letters: "dead letters are redriven or deleted";
    "retention" retention::retention: "old messages are deleted";
    "cleanup" retention::cleanup: "cleanup-old-data runs daily";
    "partitions" retention::partitions: "partitions exist for the coming days";

    "signing-keys" keys::signing_keys: "the signing keys are strong and not public";
    "key-age" keys::key_age: "the signing keys were rotated within a year";
    "key-settings" keys::key_settings: "signing keys in the environment equal those in the database";
    "api-token" keys::api_token: "QSTASH_TOKEN is strong";
    "admin-token" keys::admin_token: "ADMIN_TOKEN differs from QSTASH_TOKEN";
    "named-tokens" keys::named_tokens: "named tokens have the least scope and are not old";
    "rate-limit" keys::rate_limit: "requests to the API are rate-limited";

    "private-targets" network::private_targets: "private targets are limited to handlers";
    "plain-targets" network::plain_targets: "destinations use https";
    "api-tls" network::api_tls: "the API is reached over TLS";
    "api-health" network::api_health: "the API and its database respond";
    "api-authorization" network::api_authorization: "the API rejects requests without a valid token";
    "api-database" network::api_database: "the API uses the database of DATABASE_URL";
    "api-clock" network::api_clock: "the API's clock agrees with this machine's";
    "handlers-signed" handlers::signed: "handlers reject unsigned requests";

    "schedules-firing" schedules::firing: "schedules fire on time";
    "schedules-mirrored" schedules::mirrored: "EventBridge Scheduler has the same schedules";
    "schedules-valid" schedules::valid: "every schedule can fire, and none exists twice";
    "schedule-errors" schedules::errors: "schedules publish when they fire";

    "alert-channels" alerts::channels: "an alert channel is set and reachable";
    "open-alerts" alerts::open: "no alert is open";
    "health-checks" alerts::health_checks: "check-job-health runs regularly";
};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::ITEMS;

    #[test]
    fn ids_are_plain_and_each_there_once() {
        let ids: BTreeSet<&str> = ITEMS.iter().map(|item| item.id).collect();
        assert_eq!(ids.len(), ITEMS.len());
        assert!(ids.iter().all(|id| id.chars().all(|c| c.is_ascii_lowercase() || c == '-')), "{ids:?}");
    }
}
