//! Runs in progress.

use std::marker::PhantomData;

use diesel::sql_types::{BigInt, Double, Integer, Jsonb, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use sigpost_qstash::admin::ActiveRun;

use super::LIST_MOST;
use crate::Error;

statement! {
    Active { most: i64 => BigInt } -> (Text, Text, Integer, BigInt, Double, Double, Nullable<Jsonb>, Nullable<Text>);
    "select message_id, job_type, attempt, floor(extract(epoch from started_at) * 1000)::bigint,
            extract(epoch from now() - started_at)::float8, extract(epoch from lease_until - now())::float8,
            progress, correlation_id
     from job_executions where status = 'processing' order by started_at, id limit " {most}
}

type Row = (String, String, i32, i64, f64, f64, Option<Value>, Option<String>);

fn run(
    (message_id, job_type, attempt, started_at_ms, age_s, lease_left_s, progress, correlation_id): Row,
) -> ActiveRun {
    ActiveRun { message_id, job_type, attempt, started_at_ms, age_s, lease_left_s, progress, correlation_id }
}

/// Returns the runs in progress, oldest first.
pub async fn active_runs(conn: &mut AsyncPgConnection) -> Result<Vec<ActiveRun>, Error> {
    let rows: Vec<Row> = Active { most: LIST_MOST, lifetime: PhantomData }.load(conn).await?;
    Ok(rows.into_iter().map(run).collect())
}
