//! The state of limits: queues and flow-control keys.

use std::marker::PhantomData;

use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Serialize;

use super::LIST_MOST;
use crate::Error;

/// The state of a queue or a flow-control key.
#[derive(Clone, Debug, PartialEq, Eq, diesel::Queryable, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GateState {
    /// `queue` or `flow_control`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Whether it is paused.
    pub paused: bool,
    /// Messages blocked by it.
    pub waiting: i64,
    /// Slots in use.
    pub taken: i64,
    /// Maximum of slots.
    pub parallelism: Option<i32>,
    /// Attempts started in the current period; 0 without one.
    pub started: i32,
    /// Maximum of attempts started per period.
    pub rate: Option<i32>,
    /// Length of a period in seconds.
    #[serde(rename = "periodSeconds")]
    pub period_s: i32,
}

statement! {
    States { most: i64 => BigInt }
    -> (Text, Text, Bool, BigInt, BigInt, Nullable<Integer>, Integer, Nullable<Integer>, Integer);
    "with waiting as (
        select blocked_by as id, count(*) as count from pending_deliveries where blocked_by is not null
        group by blocked_by
    ),
    taken as (select gate as id, count(distinct family) as count from held_slots group by gate)
    select g.kind::text, g.name, g.paused, coalesce(waiting.count, 0), coalesce(taken.count, 0), g.parallelism,
           case when g.period_start + make_interval(secs => g.period_s) > now() then g.period_count else 0 end,
           g.rate, g.period_s
    from gates g left join waiting using (id) left join taken using (id)
    order by coalesce(waiting.count, 0) desc, coalesce(taken.count, 0) desc, g.id limit " {most}
}

/// Returns queues and keys, those with most blocked messages first.
pub async fn gate_states(conn: &mut AsyncPgConnection) -> Result<Vec<GateState>, Error> {
    Ok(States { most: LIST_MOST, lifetime: PhantomData }.load(conn).await?)
}
