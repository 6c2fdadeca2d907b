//! Flow-control keys: how many attempts at once, and how many starts per period.

use std::marker::PhantomData;

use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::gates::of_flow_control_key;
use crate::page::{Page, Paged};
use crate::{Error, WakeUps};

/// A flow-control key as it is now.
#[derive(Clone, Debug, PartialEq, Eq, diesel::Queryable)]
pub struct FlowControlKey {
    /// The key.
    pub key: String,
    /// Messages that wait at it. One with several gates waits at one of them.
    pub wait_list_size: i64,
    /// Attempts at once at most.
    pub parallelism: Option<i32>,
    /// Attempts under way.
    pub parallelism_count: i64,
    /// Starts per period at most.
    pub rate: Option<i32>,
    /// Starts in the period that is running; 0 when none is.
    pub rate_count: i32,
    /// Length of a period in seconds.
    pub period_s: i32,
    /// When the running period, or the last one, began, in seconds since 1970.
    pub period_start_s: Option<i64>,
    /// Messages do not change the parallelism.
    pub pinned_parallelism: bool,
    /// Messages do not change the rate.
    pub pinned_rate: bool,
    /// Nothing starts.
    pub paused: bool,
}

statement! {
    /// The keys that contain `search` and come after `after`, or the one that is `key`.
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

/// The keys whose name contains `search`, by name.
pub async fn list(conn: &mut AsyncPgConnection, search: &str, page: Page<'_>) -> Result<Paged<FlowControlKey>, Error> {
    let Page { after, count } = page;
    let rows: Vec<(FlowControlKey, bool)> =
        List { key: None, search, after, count, lifetime: PhantomData }.load(conn).await?;
    Ok(Paged::of(rows, |key| key.key.clone()))
}

/// The key of this name.
pub async fn find(conn: &mut AsyncPgConnection, key: &str) -> Result<Option<FlowControlKey>, Error> {
    let statement = List { key: Some(key), search: "", after: "", count: 1, lifetime: PhantomData };
    let found: Vec<(FlowControlKey, bool)> = statement.load(conn).await?;
    Ok(found.into_iter().next().map(|(key, _)| key))
}

/// A change that somebody makes by hand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Stop or go on starting.
    pub paused: Option<bool>,
    /// The bounds that count from now on, and that messages do not change any more.
    pub pin_parallelism: Option<i32>,
    /// As above; a new rate counts from its first start on.
    pub pin_rate: Option<i32>,
    /// The length of a period in seconds, with a pinned rate. `None` keeps it.
    pub period_s: Option<i32>,
    /// Messages may change the parallelism again.
    pub unpin_parallelism: bool,
    /// Messages may change the rate again.
    pub unpin_rate: bool,
    /// The count of starts is 0, and the next start begins a period.
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

/// Applies a change, to a key that need not have been used before, and notifies the dispatchers.
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
