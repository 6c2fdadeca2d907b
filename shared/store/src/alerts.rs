//! Alerts of check-job-health, and their notifications.

mod facts;

use std::marker::PhantomData;

use diesel::sql_types::{Array, BigInt, Bool, Double, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
pub use sigpost_qstash::admin::Severity;

pub use self::facts::{Backlog, Facts, Waiting, gather};
use crate::Error;

/// Reads the name in the database.
fn severity(name: &str) -> Severity {
    if name == "critical" { Severity::Critical } else { Severity::Warning }
}

/// An alert in its latest state.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// The rule.
    pub rule: String,
    /// The subject, for rules with several subjects; empty otherwise.
    pub subject: String,
    /// The severity.
    pub severity: Severity,
    /// The measured value.
    pub value: f64,
    /// Description.
    pub message: String,
    /// Start time, in milliseconds since 1970.
    pub opened_at_ms: i64,
    /// Whether it is resolved.
    pub resolved: bool,
    /// Whether a notification of it was sent.
    pub announced: bool,
    /// Time since the last notification, in seconds.
    pub notified_s_ago: Option<f64>,
    /// Severity at the last notification.
    pub notified_severity: Option<Severity>,
}

type Row = (String, String, String, f64, String, i64, bool, bool, Option<f64>, Option<String>);

statement! {
    List { open_only: bool => Bool }
    -> (Text, Text, Text, Double, Text, BigInt, Bool, Bool, Nullable<Double>, Nullable<Text>);
    "select rule, subject, severity::text, value, message, floor(extract(epoch from opened_at) * 1000)::bigint,
            resolved_at is not null, announced, extract(epoch from now() - notified_at)::float8, notified_severity::text
     from alerts where resolved_at is null or not " {open_only} " order by severity desc, opened_at, rule, subject"
}

async fn list(conn: &mut AsyncPgConnection, open_only: bool) -> Result<Vec<Alert>, Error> {
    let rows: Vec<Row> = List { open_only, lifetime: PhantomData }.load(conn).await?;
    Ok(rows.into_iter().map(alert).collect())
}

fn alert((rule, subject, severity, value, message, opened_at_ms, resolved, announced, ago, told): Row) -> Alert {
    Alert {
        rule,
        subject,
        severity: self::severity(&severity),
        value,
        message,
        opened_at_ms,
        resolved,
        announced,
        notified_s_ago: ago,
        notified_severity: told.as_deref().map(self::severity),
    }
}

/// Returns the open alerts, the most severe first.
pub async fn open(conn: &mut AsyncPgConnection) -> Result<Vec<Alert>, Error> {
    list(conn, true).await
}

/// Returns all alerts, open and resolved.
pub async fn all(conn: &mut AsyncPgConnection) -> Result<Vec<Alert>, Error> {
    list(conn, false).await
}

/// A finding of the current check.
#[derive(Clone, Debug, PartialEq)]
pub struct Found<'a> {
    /// The rule.
    pub rule: &'a str,
    /// The subject.
    pub subject: &'a str,
    /// The severity.
    pub severity: Severity,
    /// The measured value.
    pub value: f64,
    /// Description.
    pub message: &'a str,
    /// Whether a notification was sent now.
    pub told: bool,
}

statement! {
    Save {
        rules: Vec<&'a str> => Array<Text>,
        subjects: Vec<&'a str> => Array<Text>,
        severities: Vec<&'static str> => Array<Text>,
        values: Vec<f64> => Array<Double>,
        messages: Vec<&'a str> => Array<Text>,
        told: Vec<bool> => Array<Bool>,
    } -> BigInt;
    "with found as (
        select rule, subject, severity::alert_severity, value, message, told
        from unnest(" {rules} ", " {subjects} ", " {severities} ", " {values} ", " {messages} ", " {told} ")
             as f(rule, subject, severity, value, message, told)
    ),
    resolved as (
        update alerts a set resolved_at = now(), announced = false
        where resolved_at is null and not exists (select from found f where (f.rule, f.subject) = (a.rule, a.subject))
        returning rule
    ),
    saved as (
        insert into alerts as a (rule, subject, severity, value, message, announced, notified_at, notified_severity)
        select rule, subject, severity, value, message, told, case when told then now() end, case when told then severity end
        from found
        on conflict (rule, subject) do update set
            severity = excluded.severity, value = excluded.value, message = excluded.message,
            opened_at = case when a.resolved_at is null then a.opened_at else now() end,
            resolved_at = null,
            announced = excluded.announced or (a.announced and a.resolved_at is null),
            notified_at = coalesce(excluded.notified_at, a.notified_at),
            notified_severity = coalesce(excluded.notified_severity, a.notified_severity)
        returning rule
    )
    select (select count(*) from saved) + (select count(*) from resolved)"
}

/// Saves the current findings. Open alerts that are not among them are resolved.
pub async fn save(conn: &mut AsyncPgConnection, found: &[Found<'_>]) -> Result<(), Error> {
    let statement = Save {
        rules: found.iter().map(|one| one.rule).collect(),
        subjects: found.iter().map(|one| one.subject).collect(),
        severities: found.iter().map(|one| one.severity.as_str()).collect(),
        values: found.iter().map(|one| one.value).collect(),
        messages: found.iter().map(|one| one.message).collect(),
        told: found.iter().map(|one| one.told).collect(),
        lifetime: PhantomData,
    };
    statement.get_result::<i64>(conn).await?;
    Ok(())
}
