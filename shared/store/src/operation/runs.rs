//! Runs in progress.

use std::marker::PhantomData;

use diesel::sql_types::{BigInt, Double, Integer, Jsonb, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Serialize;
use serde_json::Value;

use super::LIST_MOST;
use crate::Error;

/// A run in progress.
#[derive(Clone, Debug, PartialEq, diesel::Queryable, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ActiveRun {
    /// The message ID on the wire.
    pub message_id: String,
    /// `Job::TYPE`.
    pub job_type: String,
    /// Number of the attempt, from 1.
    pub attempt: i32,
    /// Start time.
    #[serde(rename = "startedAt")]
    pub started_at_ms: i64,
    /// Age in seconds.
    #[serde(rename = "ageSeconds")]
    pub age_s: f64,
    /// Time until its lease expires without a further heartbeat, in seconds; negative if expired.
    #[serde(rename = "leaseLeftSeconds")]
    pub lease_left_s: f64,
    /// The progress that its handler last reported.
    pub progress: Option<Value>,
    /// Correlation ID.
    pub correlation_id: Option<String>,
}

statement! {
    Active { most: i64 => BigInt } -> (Text, Text, Integer, BigInt, Double, Double, Nullable<Jsonb>, Nullable<Text>);
    "select message_id, job_type, attempt, floor(extract(epoch from started_at) * 1000)::bigint,
            extract(epoch from now() - started_at)::float8, extract(epoch from lease_until - now())::float8,
            progress, correlation_id
     from job_executions where status = 'processing' order by started_at, id limit " {most}
}

/// Returns the runs in progress, oldest first.
pub async fn active_runs(conn: &mut AsyncPgConnection) -> Result<Vec<ActiveRun>, Error> {
    Ok(Active { most: LIST_MOST, lifetime: PhantomData }.load(conn).await?)
}
