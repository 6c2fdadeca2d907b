//! The progress of a run, as its handler reports it.

use std::marker::PhantomData;

use diesel::sql_types::{Bool, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use crate::Error;
use crate::runs::storable_json;

statement! {
    Record { id: Uuid => SqlUuid, progress: String => Text } -> Bool;
    "with recorded as (
        update job_executions set progress = " {progress} "::jsonb where id = " {id} " and lease_until is not null returning id
    )
    select exists (select from recorded)"
}

/// Records the progress of a run, replacing the last one. Returns `false`, without a record, if the run is no longer
/// in progress: its handler should stop.
pub async fn record(conn: &mut AsyncPgConnection, run_id: Uuid, progress: &Value) -> Result<bool, Error> {
    let progress = storable_json(progress).to_string();
    Ok(Record { id: run_id, progress, lifetime: PhantomData }.get_result(conn).await?)
}
