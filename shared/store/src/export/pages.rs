//! The statements of an export: one page each, in the order of a key.

mod products;

use std::marker::PhantomData;

use diesel::sql_types::{Array, BigInt, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use jiff::Timestamp;
use sigpost_qstash::MessageId;
use uuid::Uuid;

use super::{Entity, Filter, PAGE, Row};
use crate::Error;
use crate::messages::WITHOUT_USER_INFO;
use crate::retention::first_id_of;

/// Maximum clock difference between the creator of an ID and the database.
const SKEW_MS: i64 = 3_600_000;
/// The latest time of a filter: the end of the year 9999.
const NEVER_MS: i64 = 253_402_300_799_000;

/// The bounds of a filter, as the statements bind them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds<'a> {
    /// In milliseconds since 1970.
    from_ms: i64,
    /// Exclusive.
    to_ms: i64,
    /// Start of the export.
    now_ms: i64,
    status: Option<&'a str>,
    job_type: Option<&'a str>,
    user_id: Option<&'a str>,
    organization_id: Option<&'a str>,
}

impl<'a> Bounds<'a> {
    /// Excludes the millisecond in which the export starts, and later ones.
    pub(super) fn new(filter: &'a Filter, now_ms: i64) -> Self {
        let ms = |time: Timestamp| time.as_millisecond();
        Self {
            from_ms: filter.created_after.map_or(0, ms).max(0),
            to_ms: filter.created_before.map_or(NEVER_MS, ms).min(now_ms),
            now_ms,
            status: filter.status.as_deref(),
            job_type: filter.job_type.as_deref(),
            user_id: filter.user_id.as_deref(),
            organization_id: filter.organization_id.as_deref(),
        }
    }
}

/// The position after which a page begins.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    Id(Uuid),
    Number(i64),
    /// Microseconds since 1970, and a number.
    Moment(i64, i64),
}

/// Rows, and the position of the last one.
pub(super) struct Page {
    pub(super) rows: Vec<Row>,
    pub(super) last: Option<Place>,
}

impl Page {
    fn new<K>(rows: Vec<(K, Row)>, place: impl Fn(&K) -> Place) -> Self {
        let last = rows.last().map(|(key, _)| place(key));
        Self { rows: rows.into_iter().map(|(_, row)| row).collect(), last }
    }

    /// Converts the message IDs in this column to their form on the wire.
    fn naming_messages(mut self, column: usize) -> Self {
        for cell in self.rows.iter_mut().filter_map(|row| row[column].as_mut()) {
            if let Ok(id) = Uuid::parse_str(cell) {
                *cell = MessageId(id).to_string();
            }
        }
        self
    }
}

statement! {
    NowMs {} -> BigInt;
    "select (extract(epoch from now()) * 1000)::bigint"
}

pub(super) async fn now_ms(conn: &mut AsyncPgConnection) -> Result<i64, Error> {
    Ok(NowMs { lifetime: PhantomData }.get_result(conn).await?)
}

pub(super) async fn read(
    conn: &mut AsyncPgConnection,
    entity: Entity,
    bounds: &Bounds<'_>,
    place: Option<Place>,
) -> Result<Page, Error> {
    let Bounds { from_ms, to_ms, status, job_type, user_id, organization_id, .. } = *bounds;
    let (lifetime, most) = (PhantomData, PAGE);
    let before = first_id_of(to_ms.saturating_add(SKEW_MS));
    Ok(match entity {
        Entity::Messages => {
            let after = if let Some(Place::Id(id)) = place { id } else { Uuid::nil() };
            let statement = Messages { after, before, from_ms, to_ms, status, most, lifetime };
            Page::new(statement.load(conn).await?, |id: &Uuid| Place::Id(*id)).naming_messages(0)
        }
        Entity::JobExecutions => {
            let first = first_id_of(from_ms.saturating_sub(SKEW_MS));
            let after = if let Some(Place::Id(id)) = place { id } else { first };
            let statement =
                Runs { after, before, from_ms, to_ms, status, job_type, user_id, organization_id, most, lifetime };
            Page::new(statement.load(conn).await?, |id: &Uuid| Place::Id(*id))
        }
        Entity::Events => {
            let (after_us, after_id) = match place {
                Some(Place::Moment(us, id)) => (us, id),
                _ => (from_ms.saturating_mul(1000) - 1, i64::MAX),
            };
            let statement = Events { after_us, after_id, from_us: after_us, to_ms, status, most, lifetime };
            let place = |(us, id): &(i64, i64)| Place::Moment(*us, *id);
            Page::new(statement.load(conn).await?, place).naming_messages(1)
        }
        Entity::DeadLetters => {
            let after = if let Some(Place::Number(number)) = place { number } else { 0 };
            let statement = DeadLetters { after, from_ms, to_ms, most, lifetime };
            Page::new(statement.load(conn).await?, |number: &i64| Place::Number(*number)).naming_messages(0)
        }
        Entity::EmailLogs => products::email_logs(conn, bounds, place).await?,
        Entity::Notifications => products::notifications(conn, bounds, place).await?,
        Entity::ActivityLogs => products::activity_logs(conn, bounds, place).await?,
    })
}

/// The format of [`Kind::Time`](super::Kind::Time).
const UTC: &str = " at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')";

statement! {
    /// An ID is as old as the message or older: an ID that was derived from another one has the age of that one. So
    /// the position of the first row is unknown.
    Messages {
        after: Uuid => SqlUuid,
        before: Uuid => SqlUuid,
        from_ms: i64 => BigInt,
        to_ms: i64 => BigInt,
        status: Option<&'a str> => Nullable<Text>,
        most: i64 => BigInt,
    } -> (SqlUuid, Array<Nullable<Text>>);
    "select m.id, array[
        m.id::text, state::text, regexp_replace(url" [WITHOUT_USER_INFO] ", method, to_char(created_at" [UTC] ", to_char(not_before" [UTC] ",
        to_char(finished_at" [UTC] ", deliveries::text, retried::text, retries::text, queue_name, topic_name, schedule_id,
        array_to_string(labels, ' ')
     ]
     from message_states m, (select " {status} "::text as wanted) as one
     where m.id > " {after} " and m.id < " {before} "
       and created_at >= to_timestamp(" {from_ms} " / 1000.0) and created_at < to_timestamp(" {to_ms} " / 1000.0)
       and (wanted is null or state::text = wanted)
     order by m.id limit " {most}
}

statement! {
    Runs {
        after: Uuid => SqlUuid,
        before: Uuid => SqlUuid,
        from_ms: i64 => BigInt,
        to_ms: i64 => BigInt,
        status: Option<&'a str> => Nullable<Text>,
        job_type: Option<&'a str> => Nullable<Text>,
        user_id: Option<&'a str> => Nullable<Text>,
        organization_id: Option<&'a str> => Nullable<Text>,
        most: i64 => BigInt,
    } -> (SqlUuid, Array<Nullable<Text>>);
    "select r.id, array[
        r.id::text, message_id, job_type, attempt::text, status::text, to_char(started_at" [UTC] ",
        to_char(completed_at" [UTC] ", round(extract(epoch from completed_at - started_at) * 1000)::bigint::text,
        user_id, organization_id, error
     ]
     from job_executions r,
          (select " {status} "::text as status_wanted, " {job_type} "::text as type_wanted, " {user_id} "::text as user_wanted,
                  " {organization_id} "::text as organization_wanted) as one
     where r.id > " {after} " and r.id < " {before} "
       and created_at >= to_timestamp(" {from_ms} " / 1000.0) and created_at < to_timestamp(" {to_ms} " / 1000.0)
       and (status_wanted is null or status::text = status_wanted)
       and (type_wanted is null or job_type = type_wanted)
       and (user_wanted is null or user_id = user_wanted)
       and (organization_wanted is null or organization_id = organization_wanted)
     order by r.id limit " {most}
}

statement! {
    /// In whole microseconds, so that the last row's position is exact. The plain bound excludes partitions.
    Events {
        after_us: i64 => BigInt,
        after_id: i64 => BigInt,
        from_us: i64 => BigInt,
        to_ms: i64 => BigInt,
        status: Option<&'a str> => Nullable<Text>,
        most: i64 => BigInt,
    } -> ((BigInt, BigInt), Array<Nullable<Text>>);
    "select (extract(epoch from at) * 1000000)::bigint, e.id, array[
        to_char(at" [UTC] ", message_id::text, state::text, response_status::text, error, to_char(next_delivery_at" [UTC] "
     ]
     from events e, (select " {status} "::text as wanted) as one
     where (at, e.id) > (timestamptz 'epoch' + " {after_us} " * interval '1 microsecond', " {after_id} ")
       and at >= timestamptz 'epoch' + " {from_us} " * interval '1 microsecond'
       and at < to_timestamp(" {to_ms} " / 1000.0)
       and (wanted is null or state::text = wanted)
     order by at, e.id limit " {most}
}

statement! {
    DeadLetters { after: i64 => BigInt, from_ms: i64 => BigInt, to_ms: i64 => BigInt, most: i64 => BigInt }
    -> (BigInt, Array<Nullable<Text>>);
    "select d.id, array[
        d.message_id::text, regexp_replace(url" [WITHOUT_USER_INFO] ", to_char(failed_at" [UTC] ", response_status::text, error, deliveries::text, queue_name,
        schedule_id
     ]
     from dead_letters d join message_states m on m.id = d.message_id
     where d.id > " {after} "
       and failed_at >= to_timestamp(" {from_ms} " / 1000.0) and failed_at < to_timestamp(" {to_ms} " / 1000.0)
     order by d.id limit " {most}
}
