//! The database.

use crate::Check;
use crate::check::{count, counted, critical, thresholds};

/// The round trip of one statement on an open connection. Each publish waits for a commit, which takes at least this
/// long; a database in the same region responds within a few milliseconds. From half a second on, renewals of leases
/// are at risk.
pub static DATABASE_SLOW: Check = Check {
    id: "database-slow",
    name: "Database response time",
    unit: "seconds",
    thresholds: thresholds(0.05, 0.5),
    sentence: "each publish waits for a commit, which takes at least this long",
    readings: |readings| {
        let response_s = readings.deployment.response_time.as_secs_f64();
        vec![DATABASE_SLOW.reading(response_s, format!("database response time is {:.0} ms", response_s * 1000.0))]
    },
};

/// Dumps, migrations and reports take minutes. While a transaction is open, vacuum cannot remove newer dead rows; at a
/// thousand messages per second that is a million rows in five minutes, and claims get slower.
pub static QUERY_LONG: Check = Check {
    id: "query-long",
    name: "Longest transaction",
    unit: "seconds",
    thresholds: thresholds(300.0, 3600.0),
    sentence: "vacuum cannot remove newer dead rows: the tables grow and claims get slower",
    readings: |readings| {
        let longest_s = readings.deployment.facts.longest_query_s;
        vec![QUERY_LONG.reading(longest_s, format!("a transaction has been open for {longest_s:.0} s"))]
    },
};

/// Receivers of signatures tolerate 5 s. Signatures expire after minutes, and a minute makes every due time wrong.
pub static CLOCK_SKEW: Check = Check {
    id: "clock-skew",
    name: "Clock difference",
    unit: "seconds",
    thresholds: thresholds(5.0, 60.0),
    sentence: "signatures, delays and rate limits use both clocks",
    readings: |readings| {
        let skew = readings.deployment.clock_skew_s.abs();
        let message = format!("the clocks of the function and the database differ by {skew:.1} s");
        vec![CLOCK_SKEW.reading(skew, message)]
    },
};

/// A rolling deployment needs the rest. Without a free connection, publishes fail.
pub static CONNECTIONS: Check = Check {
    id: "connections",
    name: "Database connections",
    unit: "share of the available connections",
    thresholds: thresholds(0.8, 0.95),
    sentence: "few connections to the database are left",
    readings: |readings| {
        let share = readings.deployment.facts.connection_share;
        vec![CONNECTIONS.reading(share, format!("{:.0} % of the database's connections are in use", share * 100.0))]
    },
};

/// The program uses the columns of its migrations.
pub static SCHEMA_BEHIND: Check = Check {
    id: "schema-behind",
    name: "Pending migrations",
    unit: "migrations",
    thresholds: critical(1.0),
    sentence: "the schema is older than the program",
    readings: |readings| {
        let missing = i64::try_from(readings.deployment.migrations_missing).unwrap_or(i64::MAX);
        let message = counted(missing, "migration is pending", "migrations are pending");
        vec![SCHEMA_BEHIND.reading(count(missing), message)]
    },
};

/// `cleanup-old-data` creates partitions a week ahead. Without one for today, retention has to delete row by row.
pub static PARTITIONS_MISSING: Check = Check {
    id: "partitions-missing",
    name: "Missing partitions",
    unit: "days, of today and the next two",
    thresholds: thresholds(1.0, 3.0),
    sentence: "messages of a day without a partition are deleted row by row",
    readings: |readings| {
        let message = "partitions for today or the next two days are missing; check that cleanup-old-data runs";
        vec![PARTITIONS_MISSING.reading(count(readings.deployment.facts.partitions_missing), message.to_owned())]
    },
};
