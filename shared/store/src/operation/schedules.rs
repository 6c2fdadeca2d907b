//! The state of schedules.

use std::marker::PhantomData;

use diesel::sql_types::{BigInt, Bool, Double, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use sigpost_qstash::admin::ScheduleState;

use super::LIST_MOST;
use crate::Error;
use crate::messages::WITHOUT_USER_INFO;

statement! {
    States { most: i64 => BigInt }
    -> (Text, Text, Text, Bool, Nullable<BigInt>, Nullable<BigInt>, Double, Bool, Nullable<Text>);
    "select id, cron, regexp_replace(destination" [WITHOUT_USER_INFO] ", paused, (extract(epoch from next_fire_at) * 1000)::bigint,
            (extract(epoch from last_fire_at) * 1000)::bigint,
            greatest(coalesce(extract(epoch from now() - next_fire_at), 0), 0)::float8,
            mirrored_at is not null, error
     from schedules order by next_fire_at nulls last, id limit " {most}
}

type Row = (String, String, String, bool, Option<i64>, Option<i64>, f64, bool, Option<String>);

fn state(
    (id, cron, destination, paused, next_fire_at_ms, last_fire_at_ms, late_s, mirrored, error): Row,
) -> ScheduleState {
    ScheduleState { id, cron, destination, paused, next_fire_at_ms, last_fire_at_ms, late_s, mirrored, error }
}

/// Returns schedules by the time of their next firing.
pub async fn schedule_states(conn: &mut AsyncPgConnection) -> Result<Vec<ScheduleState>, Error> {
    let rows: Vec<Row> = States { most: LIST_MOST, lifetime: PhantomData }.load(conn).await?;
    Ok(rows.into_iter().map(state).collect())
}
