//! Partitions of the log, and retention.

use diesel_async::AsyncPgConnection;
use serde::Deserialize;

use super::row;
use crate::Error;

/// The partitions of `messages` and `attempts`, which are created together.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Partitions {
    /// Number of days with a partition, from today on without a gap: 0 if today has none.
    pub days: i64,
    /// Rows outside the partitions of days, counted up to 10,000.
    pub strays: i64,
}

/// Reads the state of the partitions.
pub async fn partitions(conn: &mut AsyncPgConnection) -> Result<Partitions, Error> {
    let query = "
        with days as (
            select n, to_regclass('attempts_' || to_char((now() at time zone 'utc')::date + n, 'YYYYMMDD')) as oid
            from generate_series(0, 60) n
        ),
        attached as (
            select n from days where exists (
                select from pg_inherits i where i.inhrelid = days.oid and i.inhparent = to_regclass('attempts')
            )
            union all
            -- Of a migrated database the former table has today.
            select 0 where to_regclass('past_attempts') is not null
        )
        select (select coalesce(min(n), 61) from days where n not in (select n from attached)) as days,
               (select count(*) from (
                   select from messages_default where id >= first_message_id(date_trunc('day', now(), 'utc')) limit 10000
               ) stray) as strays";
    row(conn, query).await
}

/// The ages of data that retention should delete.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Kept {
    /// Approximate age of the oldest finished message: the one that was accepted first.
    pub oldest_finished_s: Option<f64>,
    /// Age of the oldest dead letter.
    pub oldest_dead_letter_s: Option<f64>,
    /// Number of dead letters.
    pub dead_letters: i64,
    /// Number of dead letters of the last hour.
    pub dead_letters_of_an_hour: i64,
}

/// Reads the ages of stored data.
pub async fn kept(conn: &mut AsyncPgConnection) -> Result<Kept, Error> {
    let query = "
        select (select extract(epoch from now() - finished_at) from message_states where id = (
                   select id from messages m where not exists (select from pending_deliveries p where p.id = m.id)
                   order by id limit 1
               )) as oldest_finished_s,
               (select extract(epoch from now() - min(failed_at)) from dead_letters) as oldest_dead_letter_s,
               (select count(*) from dead_letters) as dead_letters,
               (select count(*) from dead_letters where failed_at > now() - interval '1 hour') as dead_letters_of_an_hour";
    row(conn, query).await
}
