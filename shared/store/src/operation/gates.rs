//! The state of limits: queues and flow-control keys.

use std::marker::PhantomData;

use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use sigpost_qstash::admin::GateState;

use super::LIST_MOST;
use crate::Error;

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

type Row = (String, String, bool, i64, i64, Option<i32>, i32, Option<i32>, i32);

fn state((kind, name, paused, waiting, taken, parallelism, started, rate, period_s): Row) -> GateState {
    GateState { kind, name, paused, waiting, taken, parallelism, started, rate, period_s }
}

/// Returns queues and keys, those with most blocked messages first.
pub async fn gate_states(conn: &mut AsyncPgConnection) -> Result<Vec<GateState>, Error> {
    let rows: Vec<Row> = States { most: LIST_MOST, lifetime: PhantomData }.load(conn).await?;
    Ok(rows.into_iter().map(state).collect())
}
