//! What is held back: queues and flow-control keys.

use std::marker::PhantomData;

use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Serialize;

use super::LIST_MOST;
use crate::Error;

/// A queue or a flow-control key as it holds messages back.
#[derive(Clone, Debug, PartialEq, Eq, diesel::Queryable, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GateState {
    /// `queue` or `flow_control`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Nothing passes.
    pub paused: bool,
    /// Messages that wait at it.
    pub waiting: i64,
    /// Slots that are taken.
    pub taken: i64,
    /// Slots at most.
    pub parallelism: Option<i32>,
    /// Starts in the period that is running; 0 when none is.
    pub started: i32,
    /// Starts per period at most.
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

/// Queues and keys, those at which most wait first.
pub async fn gate_states(conn: &mut AsyncPgConnection) -> Result<Vec<GateState>, Error> {
    Ok(States { most: LIST_MOST, lifetime: PhantomData }.load(conn).await?)
}
