//! What check-job-health has found to be wrong, and whom it has told.

mod facts;

use std::marker::PhantomData;

use diesel::sql_types::{Array, BigInt, Bool, Double, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Serialize;

pub use self::facts::{Backlog, Facts, Late, Waiting, gather};
use crate::Error;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Somebody should look at it today.
    Warning,
    /// Somebody should look at it now.
    Critical,
}

impl Severity {
    /// Its name, as everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    fn read(name: &str) -> Self {
        if name == "critical" { Self::Critical } else { Self::Warning }
    }
}

/// A thing that was wrong, as it was last.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Alert {
    /// Which rule found it.
    pub rule: String,
    /// Of what, where the rule looks at several things; empty otherwise.
    pub subject: String,
    /// How bad it is.
    pub severity: Severity,
    /// The figure that was seen.
    pub value: f64,
    /// What is wrong, in words.
    pub message: String,
    /// Since when, in milliseconds since 1970.
    #[serde(rename = "openedAt")]
    pub opened_at_ms: i64,
    /// It is over.
    #[serde(skip)]
    pub resolved: bool,
    /// Somebody was told that it is open.
    #[serde(skip)]
    pub announced: bool,
    /// How long ago somebody was told last, in seconds.
    #[serde(skip)]
    pub notified_s_ago: Option<f64>,
    /// How bad it was then.
    #[serde(skip)]
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
        severity: Severity::read(&severity),
        value,
        message,
        opened_at_ms,
        resolved,
        announced,
        notified_s_ago: ago,
        notified_severity: told.as_deref().map(Severity::read),
    }
}

/// What is wrong now, the worst first.
pub async fn open(conn: &mut AsyncPgConnection) -> Result<Vec<Alert>, Error> {
    list(conn, true).await
}

/// What is or was wrong.
pub async fn all(conn: &mut AsyncPgConnection) -> Result<Vec<Alert>, Error> {
    list(conn, false).await
}

/// Something that is wrong now.
#[derive(Clone, Debug, PartialEq)]
pub struct Found<'a> {
    /// By which rule.
    pub rule: &'a str,
    /// Of what.
    pub subject: &'a str,
    /// How bad.
    pub severity: Severity,
    /// The figure.
    pub value: f64,
    /// In words.
    pub message: &'a str,
    /// Somebody was told of it now.
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

/// Writes down what is wrong now. What was and is not in it any more is over.
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
