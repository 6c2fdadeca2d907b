//! The list of what is looked at. `--list`, the run and the tests of the production checklist come from it.

use std::future::Future;
use std::pin::Pin;

use anyhow::Result;

use super::finding::Finding;
use super::subject::Subject;
use super::{alerts, backups, database, handlers, jobs, keys, leases, network, retention, schedules, schema, settings};

type Checking<'a> = Pin<Box<dyn Future<Output = Result<Finding>> + 'a>>;

/// One line of the checklist.
pub(super) struct Item {
    /// Stays the same from one version to the next.
    pub(super) id: &'static str,
    /// What is in order when it passes.
    pub(super) title: &'static str,
    pub(super) check: for<'a> fn(&'a Subject) -> Checking<'a>,
}

macro_rules! items {
    ($($id:literal $check:path: $title:literal;)+) => {
        &[$(Item { id: $id, title: $title, check: |subject| Box::pin($check(subject)) }),+]
    };
}

pub(super) const ITEMS: &[Item] = items! {
    "settings" settings::settings: "the settings go together";
    "log-level" settings::log_level: "the log says what matters, and no more";

    "database-reachable" database::reachable: "the database answers quickly";
    "database-version" database::version: "Postgres is one that sigpost is made for";
    "database-tls" database::tls: "the connection to the database is encrypted";
    "database-clock" database::clock: "this machine's clock agrees with the database's";
    "connection-budget" database::connection_budget: "the connections suffice, also while a new version is rolled out";
    "session-timeouts" database::session_timeouts: "the database cuts off no statement and no listener";
    "listen" database::listen: "notifications arrive";
    "privileges" database::privileges: "the role may do what sigpost does";
    "durability" database::durability: "what is committed survives a crash";
    "long-transactions" database::long_transactions: "no transaction holds up the vacuum";
    "backups" backups::backups: "the database is backed up";

    "migrations" schema::migrations: "every migration is applied";
    "schema" schema::schema: "tables, columns, checks, functions and triggers are what the migrations made";
    "indexes" schema::indexes: "the indexes are there, as they should be, and valid";
    "autovacuum" schema::autovacuum: "the tables are vacuumed as often as they need";
    "dead-rows" schema::dead_rows: "the vacuum keeps up";

    "processes" leases::processes: "two processes deliver, so that one may go";
    "lease" leases::lease: "a lease outlasts a slow commit";
    "heartbeats" leases::heartbeats: "leases are renewed well before they end";
    "lost-leases" leases::lost_leases: "no lease is lost";
    "shutdown-grace" leases::shutdown_grace: "what runs can end when a process is stopped";

    "overdue" jobs::overdue: "what is due is delivered";
    "queue-depth" jobs::queue_depth: "no backlog grows";
    "waiting" jobs::waiting: "nothing waits at a closed gate for long";
    "stuck-runs" jobs::stuck_runs: "no run is stuck";
    "failure-rate" jobs::failure_rate: "few runs fail";
    "job-durations" jobs::durations: "runs end well within their timeouts";

    "retry-horizon" retention::retry_horizon: "retries end before the log of them is deleted";
    "dead-letters" retention::dead_letters: "somebody looks after dead letters";
    "retention" retention::retention: "what is old is deleted";
    "cleanup" retention::cleanup: "the daily cleaning runs";
    "partitions" retention::partitions: "the log has days ahead";

    "signing-keys" keys::signing_keys: "the signing keys are strong and nobody else's";
    "key-age" keys::key_age: "the signing keys are rotated";
    "key-settings" keys::key_settings: "the keys in the environment are the database's";
    "api-token" keys::api_token: "the API's token is strong";
    "admin-token" keys::admin_token: "the admin API has a token of its own";
    "named-tokens" keys::named_tokens: "tokens are for what they are needed, and not old";
    "rate-limit" keys::rate_limit: "requests to the API are limited";

    "private-targets" network::private_targets: "pushes reach nothing inside that they should not";
    "plain-targets" network::plain_targets: "pushes are encrypted";
    "api-tls" network::api_tls: "the API is reached over TLS";
    "api-health" network::api_health: "the API answers, and its database too";
    "api-authorization" network::api_authorization: "the API lets in who has the token, and nobody else";
    "api-database" network::api_database: "the API works on this database";
    "api-clock" network::api_clock: "the API's clock agrees with this machine's";
    "handlers-signed" handlers::signed: "handlers refuse what is not signed";

    "schedules-firing" schedules::firing: "schedules fire on time";
    "schedules-mirrored" schedules::mirrored: "EventBridge Scheduler holds what the schedules say";
    "schedules-valid" schedules::valid: "schedules can fire, and none is there twice";
    "schedule-errors" schedules::errors: "schedules publish when they fire";

    "alert-channels" alerts::channels: "somebody is told when something is wrong, and can be reached";
    "open-alerts" alerts::open: "no alert is open";
    "health-checks" alerts::health_checks: "the health of the jobs is checked regularly";
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
