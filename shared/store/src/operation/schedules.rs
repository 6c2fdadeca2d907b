//! The state of schedules.

use std::marker::PhantomData;

use diesel::sql_types::{BigInt, Bool, Double, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Serialize;

use super::LIST_MOST;
use crate::Error;
use crate::messages::WITHOUT_USER_INFO;

/// The state of a schedule.
#[derive(Clone, Debug, PartialEq, diesel::Queryable, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleState {
    /// Its id.
    pub id: String,
    /// The expression with its time zone.
    pub cron: String,
    /// URL or name of a URL group.
    pub destination: String,
    /// Whether it is paused.
    pub paused: bool,
    /// Time of the next firing.
    #[serde(rename = "nextFireAt")]
    pub next_fire_at_ms: Option<i64>,
    /// Time of the last firing.
    #[serde(rename = "lastFireAt")]
    pub last_fire_at_ms: Option<i64>,
    /// Delay of the due firing, in seconds; 0 if none is due.
    #[serde(rename = "lateSeconds")]
    pub late_s: f64,
    /// Whether EventBridge Scheduler has an identical copy. Always false without EventBridge.
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

/// Returns schedules by the time of their next firing.
pub async fn schedule_states(conn: &mut AsyncPgConnection) -> Result<Vec<ScheduleState>, Error> {
    Ok(States { most: LIST_MOST, lifetime: PhantomData }.load(conn).await?)
}
