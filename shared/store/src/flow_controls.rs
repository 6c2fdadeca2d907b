//! Flow-control keys: limits of concurrent attempts and of attempts started per period.

use std::marker::PhantomData;

use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::gates::of_flow_control_key;
use crate::page::{Page, Paged};
use crate::{Error, WakeUps};

/// The current state of a flow-control key.
#[derive(Clone, Debug, PartialEq, Eq, diesel::Queryable)]
pub struct FlowControlKey {
    /// The key.
    pub key: String,
    /// Messages blocked by it. A message with several limits is blocked by one of them.
    pub wait_list_size: i64,
    /// Maximum of concurrent attempts.
    pub parallelism: Option<i32>,
    /// Attempts in flight.
    pub parallelism_count: i64,
    /// Maximum of attempts started per period.
    pub rate: Option<i32>,
    /// Attempts started in the current period; 0 without one.
    pub rate_count: i32,
    /// Length of a period in seconds.
    pub period_s: i32,
    /// Start of the current or last period, in seconds since 1970.
    pub period_start_s: Option<i64>,
    /// Whether messages cannot change the parallelism.
    pub pinned_parallelism: bool,
    /// Whether messages cannot change the rate.
    pub pinned_rate: bool,
    /// Whether deliveries are paused.
    pub paused: bool,
}

statement! {
    /// Selects the keys that contain `search` and follow `after`, or the one that equals `key`.
    List {
        key: Option<&'a str> => Nullable<Text>,
        search: &'a str => Text,
        after: &'a str => Text,
        count: i64 => BigInt,
    } -> (
        (Text, BigInt, Nullable<Integer>, BigInt, Nullable<Integer>, Integer, Integer, Nullable<BigInt>, Bool, Bool, Bool),
        Bool,
    );
    "select name,
            (select count(*) from pending_deliveries where blocked_by = g.id),
            parallelism, (select count(*) from held_slots where gate = g.id), rate,
            case when period_start + make_interval(secs => period_s) > now() then period_count else 0 end,
            period_s, floor(extract(epoch from period_start))::bigint, pinned_parallelism, pinned_rate, paused,
            has_more
     from (
        select g.*, lead(name) over (order by name) is not null as has_more
        from (
            select g.* from gates g, (select " {key} "::text as wanted) as one
            where kind = 'flow_control' and (wanted is null or name = wanted) and strpos(name, " {search} ") > 0
              and name > " {after} "
            order by name limit " {count} " + 1
        ) g
     ) g order by name limit " {count}
}

/// Returns the keys whose name contains `search`, by name.
pub async fn list(conn: &mut AsyncPgConnection, search: &str, page: Page<'_>) -> Result<Paged<FlowControlKey>, Error> {
    let Page { after, count } = page;
    let rows: Vec<(FlowControlKey, bool)> =
        List { key: None, search, after, count, lifetime: PhantomData }.load(conn).await?;
    Ok(Paged::of(rows, |key| key.key.clone()))
}

/// Returns the key of this name.
pub async fn find(conn: &mut AsyncPgConnection, key: &str) -> Result<Option<FlowControlKey>, Error> {
    let statement = List { key: Some(key), search: "", after: "", count: 1, lifetime: PhantomData };
    let found: Vec<(FlowControlKey, bool)> = statement.load(conn).await?;
    Ok(found.into_iter().next().map(|(key, _)| key))
}

/// A manual change of a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Pause or resume deliveries.
    pub paused: Option<bool>,
    /// A new limit, which messages cannot change from now on.
    pub pin_parallelism: Option<i32>,
    /// A new rate, pinned as above; it applies from its first start on.
    pub pin_rate: Option<i32>,
    /// The length of a period in seconds, for a pinned rate. `None` keeps it.
    pub period_s: Option<i32>,
    /// Allow messages to change the parallelism again.
    pub unpin_parallelism: bool,
    /// Allow messages to change the rate again.
    pub unpin_rate: bool,
    /// Reset the count of starts; the next start begins a period.
    pub reset_rate: bool,
}

statement! {
    Apply {
        id: String => Text,
        key: &'a str => Text,
        paused: Option<bool> => Nullable<Bool>,
        parallelism: Option<i32> => Nullable<Integer>,
        rate: Option<i32> => Nullable<Integer>,
        period_s: Option<i32> => Nullable<Integer>,
        unpin_parallelism: bool => Bool,
        unpin_rate: bool => Bool,
        reset_rate: bool => Bool,
    } -> BigInt;
    "with change as (
        select " {id} " as id, " {key} " as key, " {paused} "::bool as paused, " {parallelism} "::int as parallelism, "
            {rate} "::int as rate, " {period_s} "::int as period_s, " {unpin_parallelism} "::bool as unpin_parallelism, "
            {unpin_rate} "::bool as unpin_rate, " {reset_rate} "::bool as reset_rate
    ),
    changed as (
        insert into gates as g (id, kind, name, parallelism, rate, period_s, paused, pinned_parallelism, pinned_rate,
                                period_start)
        select id, 'flow_control', key, parallelism, rate, coalesce(period_s, 1), coalesce(paused, false),
               parallelism is not null, rate is not null, now()
        from change
        on conflict (id) do update set
            parallelism = coalesce(excluded.parallelism, g.parallelism),
            rate = coalesce(excluded.rate, g.rate),
            period_s = coalesce((select period_s from change), g.period_s),
            paused = coalesce((select paused from change), g.paused),
            pinned_parallelism = excluded.pinned_parallelism
                or g.pinned_parallelism and not (select unpin_parallelism from change),
            pinned_rate = excluded.pinned_rate or g.pinned_rate and not (select unpin_rate from change),
            period_start = case when excluded.pinned_rate or (select reset_rate from change) then now() else g.period_start end,
            period_count = case when excluded.pinned_rate or (select reset_rate from change) then 0 else g.period_count end,
            updated_at = now()
        returning id
    )
    select count(*) from changed, lateral (select pg_notify('sigpost', '')) as told"
}

/// Applies a change, creating the key if necessary, and notifies the dispatchers.
pub async fn apply(conn: &mut AsyncPgConnection, key: &str, change: Change) -> Result<WakeUps, Error> {
    let statement = Apply {
        id: of_flow_control_key(key),
        key,
        paused: change.paused,
        parallelism: change.pin_parallelism,
        rate: change.pin_rate,
        period_s: change.period_s,
        unpin_parallelism: change.unpin_parallelism,
        unpin_rate: change.unpin_rate,
        reset_rate: change.reset_rate,
        lifetime: PhantomData,
    };
    statement.get_result::<i64>(conn).await?;
    Ok(WakeUps::at_limits([of_flow_control_key(key)]))
}
