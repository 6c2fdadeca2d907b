//! Schedules, and how far they are from what they should be.

use std::marker::PhantomData;

use diesel::sql_types::{BigInt, Bool, Double, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Serialize;

use super::LIST_MOST;
use crate::Error;
use crate::messages::WITHOUT_USER_INFO;

/// A schedule as it fires.
#[derive(Clone, Debug, PartialEq, diesel::Queryable, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleState {
    /// Its id.
    pub id: String,
    /// The expression with its time zone.
    pub cron: String,
    /// URL or name of a URL group.
    pub destination: String,
    /// It does not fire.
    pub paused: bool,
    /// When it fires next.
    #[serde(rename = "nextFireAt")]
    pub next_fire_at_ms: Option<i64>,
    /// The time for which it fired last.
    #[serde(rename = "lastFireAt")]
    pub last_fire_at_ms: Option<i64>,
    /// For how long a firing has been due, in seconds; 0 when none is.
    #[serde(rename = "lateSeconds")]
    pub late_s: f64,
    /// EventBridge Scheduler has it as it is here. Where nothing is mirrored: never.
    pub mirrored: bool,
    /// Why its last firing published nothing.
    pub error: Option<String>,
}

statement! {
    States { most: i64 => BigInt }
    -> (Text, Text, Text, Bool, Nullable<BigInt>, Nullable<BigInt>, Double, Bool, Nullable<Text>);
    "select id, cron, regexp_replace(destination" [WITHOUT_USER_INFO] ", paused, (extract(epoch from next_fire_at) * 1000)::bigint,
            (extract(epoch from last_fire_at) * 1000)::bigint,
            greatest(coalesce(extract(epoch from now() - next_fire_at), 0), 0)::float8,
            mirrored_at is not null, error
     from schedules order by next_fire_at nulls last, id limit " {most}
}

/// Schedules, those that fire next first.
pub async fn schedule_states(conn: &mut AsyncPgConnection) -> Result<Vec<ScheduleState>, Error> {
    Ok(States { most: LIST_MOST, lifetime: PhantomData }.load(conn).await?)
}
