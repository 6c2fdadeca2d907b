//! How far a run is, in its handler's own words.

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

/// Records how far the run is, in place of what it said before. False when it is not under way any
/// more: then nothing is recorded, and its handler should leave off.
pub async fn record(conn: &mut AsyncPgConnection, run_id: Uuid, progress: &Value) -> Result<bool, Error> {
    let progress = storable_json(progress).to_string();
    Ok(Record { id: run_id, progress, lifetime: PhantomData }.get_result(conn).await?)
}
