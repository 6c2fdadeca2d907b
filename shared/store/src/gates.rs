//! Limits: queues and flow-control keys (the table `gates`).
//!
//! A message with limits is blocked by the first of them, and [`claim_blocked`] leases it when all of them have
//! capacity. A freed slot, the end of a period, a resume and a new limit give capacity. Each of these is a wake-up
//! ([`WakeUps`]); in case the process that received it crashes, every dispatcher rescans the limits with blocked
//! messages once per lease ([`rescan`]).

mod names;

use std::collections::BTreeMap;
use std::marker::PhantomData;

use diesel::sql_types::{Array, BigInt, Double, Integer, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use sigpost_qstash::FlowControl;
use uuid::Uuid;

pub use self::names::{of_flow_control_key, of_queue};
use crate::claim::{Bound, Claimed, Content, ContentColumns, number};
use crate::destination::Destination;
use crate::leases::LeaseTerms;
use crate::messages::Message;
use crate::wake_ups::time_until;
use crate::{Error, WakeUps};

impl Message {
    /// Returns the limits of the message in this order: its queue, then its flow-control keys. None for most
    /// messages.
    pub fn gates(&self) -> Vec<String> {
        let queue = self.extras.queue_name.as_deref().map(of_queue);
        let keys = self.extras.flow_control.iter().map(|control| of_flow_control_key(&control.key));
        queue.into_iter().chain(keys).collect()
    }

    /// Returns whether the message has a limit.
    pub fn has_gates(&self) -> bool {
        self.extras.queue_name.is_some() || !self.extras.flow_control.is_empty()
    }

    /// Returns the limits whose slots an attempt can hold: its own, and the queue of the message that it reports on.
    pub fn slots(&self) -> impl Iterator<Item = String> {
        self.gates().into_iter().chain(self.extras.keeps_waiting.as_deref().map(of_queue))
    }

    /// Returns whether its end frees slots: its own, or that of the message that it reports on.
    pub fn has_slots(&self) -> bool {
        self.has_gates() || self.extras.keeps_waiting.is_some()
    }
}

statement! {
    /// Calls the function of the migration. Like a claim, it commits without waiting for the disk.
    ClaimBlocked {
        limits: Vec<&'a str> => Array<Text>,
        token: Uuid => SqlUuid,
        lease_s: f64 => Double,
        most: i32 => Integer,
        small: i32 => Integer,
        bytes: i64 => BigInt,
        without: Vec<i64> => Array<BigInt>,
    } -> (
        Nullable<Text>, Nullable<Double>, Nullable<BigInt>, Nullable<Integer>, Nullable<Integer>, Nullable<ContentColumns>
    );
    "select c.limit_id, c.wake_in_s, c.left_out, c.deliveries, c.retried, (c.content).*
     from claim_blocked(" {limits} "," {token} "," {lease_s} "," {most} "," {small} "," {bytes} "," {without} ") c
     where (select set_config('synchronous_commit', 'off', true)) = 'off'"
}

/// Leases messages that are blocked by these limits, within the bound, if all of their limits have capacity. A full
/// batch means that there may be more. Messages to the destinations in `without` are skipped, and in a queue
/// all later ones as well, because it keeps its order.
pub async fn claim_blocked(
    conn: &mut AsyncPgConnection,
    limits: &[String],
    lease: LeaseTerms,
    bound: Bound,
    without: &[Destination],
) -> Result<Claimed, Error> {
    let statement = ClaimBlocked {
        limits: limits.iter().map(String::as_str).collect(),
        token: lease.token,
        lease_s: lease.length.as_secs_f64(),
        most: number(bound.messages),
        small: number(bound.small),
        bytes: i64::try_from(bound.bytes).unwrap_or(i64::MAX),
        without: without.iter().map(|destination| destination.0).collect(),
        lifetime: PhantomData,
    };
    type Row = (Option<String>, Option<f64>, Option<i64>, Option<i32>, Option<i32>, Option<Content>);
    let rows: Vec<Row> = statement.load(conn).await?;
    let mut claimed = Claimed::default();
    for (limit, seconds, left_out, deliveries, retried, content) in rows {
        match (content.zip(deliveries).zip(retried), limit, left_out) {
            (Some(((content, deliveries), retried)), ..) => {
                claimed.leases.push(content.into_lease(lease.token, deliveries, retried));
            }
            (None, Some(limit), Some(destination)) => claimed.left_out.push((limit, Destination(destination))),
            (None, limit, _) => claimed.add_wake_up(limit, seconds.unwrap_or(0.0)),
        }
    }
    Ok(claimed)
}

statement! {
    /// Skips from limit to limit in the index of blocked messages, however many are blocked by each. Takes no locks:
    /// a returned limit without capacity costs only an empty claim.
    Rescan {} -> (Text, Double);
    "with recursive blocked(id) as (
        (select blocked_by from pending_deliveries where blocked_by is not null order by blocked_by limit 1)
        union all
        select (select blocked_by from pending_deliveries where blocked_by > b.id order by blocked_by limit 1)
        from blocked b where b.id is not null
    )
    select g.id, coalesce(period_ends_in(g), 0)
    from blocked join gates g using (id)
    where not g.paused
      and (g.parallelism is null
           or g.parallelism > (select count(distinct h.family) from held_slots h where h.gate = g.id)
           or exists (select from slots s join pending_deliveries p on p.id = s.message_id
                      where s.gate = g.id and p.blocked_by = g.id))"
}

/// Returns the limits that have blocked messages and capacity, now or at the end of a period.
pub async fn rescan(conn: &mut AsyncPgConnection) -> Result<WakeUps, Error> {
    let rows: Vec<(String, f64)> = Rescan { lifetime: PhantomData }.load(conn).await?;
    let limits = rows.into_iter().map(|(limit, seconds)| (limit, time_until(seconds))).collect();
    Ok(WakeUps { due_in: None, limits })
}

statement! {
    Count {} -> (BigInt, BigInt);
    "select count(*) filter (where kind = 'queue'), count(*) filter (where kind = 'flow_control') from gates"
}

/// Returns the number of queues, and of flow-control keys.
pub async fn count(conn: &mut AsyncPgConnection) -> Result<(i64, i64), Error> {
    Ok(Count { lifetime: PhantomData }.get_result(conn).await?)
}

statement! {
    Missing { ids: Vec<&'a str> => Array<Text> } -> Text;
    "select wanted.id from unnest(" {ids} ") as wanted(id) where not exists (select from gates g where g.id = wanted.id)"
}

/// Returns those of these limits that do not exist.
pub async fn missing(conn: &mut AsyncPgConnection, ids: Vec<&str>) -> Result<Vec<String>, Error> {
    Ok(Missing { ids, lifetime: PhantomData }.load(conn).await?)
}

statement! {
    /// Rows that are up to date are only read: a lock would make publishers and dispatchers of a busy key wait for
    /// each other's commits. A key that has not been used for half a day is updated, so that retention does not
    /// delete it as unused; see `retention::keys`.
    Ensure {
        ids: Vec<String> => Array<Text>,
        names: Vec<&'a str> => Array<Text>,
        parallelisms: Vec<Option<i32>> => Array<Nullable<Integer>>,
        rates: Vec<Option<i32>> => Array<Nullable<Integer>>,
        periods_s: Vec<i32> => Array<Integer>,
    } -> Text;
    "with wanted as (
        select i.*, case when i.id like 'queue:%' then 'queue' else 'flow_control' end::gate_kind as kind
        from unnest(" {ids} "," {names} "," {parallelisms} "," {rates} "," {periods_s} ")
            as i(id, name, parallelism, rate, period_s)
    ),
    made as (
        insert into gates as g (id, kind, name, parallelism, rate, period_s)
        select w.id, w.kind, w.name, w.parallelism, w.rate, w.period_s
        from wanted w left join gates known using (id)
        where known.id is null or known.kind = 'flow_control' and (
            not known.pinned_parallelism and known.parallelism is distinct from w.parallelism
            or not known.pinned_rate and (known.rate, known.period_s) is distinct from (w.rate, w.period_s)
            or known.updated_at < now() - interval '12 hours'
        )
        order by w.id
        on conflict (id) do update set
            parallelism = case when g.pinned_parallelism then g.parallelism else excluded.parallelism end,
            rate = case when g.pinned_rate then g.rate else excluded.rate end,
            period_s = case when g.pinned_rate then g.period_s else excluded.period_s end,
            updated_at = now()
        where g.kind = 'flow_control'
        returning id
    )
    select id from made"
}

/// Creates missing limits of these messages (a queue with parallelism 1), and sets the limits of flow-control keys to
/// those of the newest message, unless they are pinned. Returns the changed limits: earlier messages may start there,
/// even if these are not stored.
pub(crate) async fn ensure_gates<'a>(
    conn: &mut AsyncPgConnection,
    messages: impl Iterator<Item = &'a Message>,
) -> Result<WakeUps, Error> {
    /// The parallelism of a queue without settings (QStash OpenAPI).
    static NEW_QUEUE: FlowControl =
        FlowControl { key: String::new(), parallelism: Some(1), rate: None, period: std::time::Duration::from_secs(1) };
    let mut wanted: BTreeMap<String, (&str, &FlowControl)> = BTreeMap::new();
    for message in messages {
        if let Some(name) = &message.extras.queue_name {
            wanted.insert(of_queue(name), (name, &NEW_QUEUE));
        }
        for control in &message.extras.flow_control {
            wanted.insert(of_flow_control_key(&control.key), (&control.key, control));
        }
    }
    if wanted.is_empty() {
        return Ok(WakeUps::default());
    }
    let bound = |bound: Option<u32>| bound.map(|bound| i32::try_from(bound).unwrap_or(i32::MAX));
    let statement = Ensure {
        ids: wanted.keys().cloned().collect(),
        names: wanted.values().map(|(name, _)| *name).collect(),
        parallelisms: wanted.values().map(|(_, control)| bound(control.parallelism)).collect(),
        rates: wanted.values().map(|(_, control)| bound(control.rate)).collect(),
        periods_s: wanted
            .values()
            .map(|(_, control)| i32::try_from(control.period.as_secs()).unwrap_or(i32::MAX))
            .collect(),
        lifetime: PhantomData,
    };
    Ok(WakeUps::at_limits(statement.load::<String>(conn).await?))
}

statement! {
    /// Only messages in the table count, since duplicates were not stored.
    KeepWaiting {
        queues: Vec<String> => Array<Text>,
        ids: Vec<Uuid> => Array<SqlUuid>,
        families: Vec<Option<Uuid>> => Array<Nullable<SqlUuid>>,
    } -> ();
    "insert into slots (gate, message_id, family)
     select i.gate, i.id, i.family from unnest(" {queues} "," {ids} "," {families} ") as i(gate, id, family)
     where exists (select from pending_deliveries p where p.id = i.id)
     on conflict do nothing"
}

/// Makes the queues of the reported messages wait for the end of these callbacks, too. Call it in the transaction
/// that stored them.
pub(crate) async fn keep_waiting<'a>(
    conn: &mut AsyncPgConnection,
    messages: impl Iterator<Item = &'a Message> + Clone,
) -> Result<(), Error> {
    let keeping = messages.filter(|message| message.extras.keeps_waiting.is_some());
    let queues: Vec<String> = keeping.clone().filter_map(|m| m.extras.keeps_waiting.as_deref()).map(of_queue).collect();
    if queues.is_empty() {
        return Ok(());
    }
    let statement = KeepWaiting {
        queues,
        ids: keeping.clone().map(|message| message.id.0).collect(),
        families: keeping.map(|message| message.callback_of.map(|id| id.0)).collect(),
        lifetime: PhantomData,
    };
    statement.execute(conn).await?;
    Ok(())
}
