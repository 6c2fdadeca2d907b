//! The tables of product handlers. Their times may come from an external service and be late: a row's ID is as young
//! as its time, or younger. So the export begins with the earliest possible ID, and continues to the last one.

use std::marker::PhantomData;

use diesel::sql_types::{Array, BigInt, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::{Bounds, PAGE, Page, Place, SKEW_MS, UTC};
use crate::Error;
use crate::retention::first_id_of;

fn by_id(rows: Vec<(Uuid, Vec<Option<String>>)>) -> Page {
    Page::new(rows, |id: &Uuid| Place::Id(*id))
}

/// Returns the ID after which a page begins, and the last ID of the export.
fn ids(bounds: &Bounds<'_>, place: Option<Place>) -> (Uuid, Uuid) {
    let first = first_id_of(bounds.from_ms.saturating_sub(SKEW_MS));
    let after = if let Some(Place::Id(id)) = place { id } else { first };
    (after, first_id_of(bounds.now_ms.saturating_add(SKEW_MS)))
}

statement! {
    EmailLogs {
        after: Uuid => SqlUuid,
        before: Uuid => SqlUuid,
        from_ms: i64 => BigInt,
        to_ms: i64 => BigInt,
        status: Option<&'a str> => Nullable<Text>,
        most: i64 => BigInt,
    } -> (SqlUuid, Array<Nullable<Text>>);
    "select e.id, array[
        email_id, recipient, template_type, subject, status::text, provider, metadata->>'messageId',
        to_char(sent_at" [UTC] ", to_char(delivered_at" [UTC] ", to_char(failed_at" [UTC] ", error_message
     ]
     from email_logs e, (select " {status} "::text as wanted) as one
     where e.id > " {after} " and e.id < " {before} "
       and sent_at >= to_timestamp(" {from_ms} " / 1000.0) and sent_at < to_timestamp(" {to_ms} " / 1000.0)
       and (wanted is null or status::text = wanted)
     order by e.id limit " {most}
}

pub(super) async fn email_logs(
    conn: &mut AsyncPgConnection,
    bounds: &Bounds<'_>,
    place: Option<Place>,
) -> Result<Page, Error> {
    let Bounds { from_ms, to_ms, status, .. } = *bounds;
    let (after, before) = ids(bounds, place);
    let statement = EmailLogs { after, before, from_ms, to_ms, status, most: PAGE, lifetime: PhantomData };
    Ok(by_id(statement.load(conn).await?))
}

statement! {
    Notifications {
        after: Uuid => SqlUuid,
        before: Uuid => SqlUuid,
        from_ms: i64 => BigInt,
        to_ms: i64 => BigInt,
        status: Option<&'a str> => Nullable<Text>,
        user_id: Option<&'a str> => Nullable<Text>,
        most: i64 => BigInt,
    } -> (SqlUuid, Array<Nullable<Text>>);
    "select n.id, array[
        n.id::text, message_id, user_id, kind, category, priority::text, title, message,
        case when read_at is null then 'unread' else 'read' end, to_char(created_at" [UTC] ",
        to_char(read_at" [UTC] ", to_char(expires_at" [UTC] "
     ]
     from notifications n, (select " {status} "::text as status_wanted, " {user_id} "::text as user_wanted) as one
     where n.id > " {after} " and n.id < " {before} "
       and created_at >= to_timestamp(" {from_ms} " / 1000.0) and created_at < to_timestamp(" {to_ms} " / 1000.0)
       and (status_wanted is null or (status_wanted = 'read') = (read_at is not null))
       and (user_wanted is null or user_id = user_wanted)
     order by n.id limit " {most}
}

pub(super) async fn notifications(
    conn: &mut AsyncPgConnection,
    bounds: &Bounds<'_>,
    place: Option<Place>,
) -> Result<Page, Error> {
    let Bounds { from_ms, to_ms, status, user_id, .. } = *bounds;
    let (after, before) = ids(bounds, place);
    let statement = Notifications { after, before, from_ms, to_ms, status, user_id, most: PAGE, lifetime: PhantomData };
    Ok(by_id(statement.load(conn).await?))
}

statement! {
    ActivityLogs {
        after: Uuid => SqlUuid,
        before: Uuid => SqlUuid,
        from_ms: i64 => BigInt,
        to_ms: i64 => BigInt,
        user_id: Option<&'a str> => Nullable<Text>,
        organization_id: Option<&'a str> => Nullable<Text>,
        most: i64 => BigInt,
    } -> (SqlUuid, Array<Nullable<Text>>);
    "select a.id, array[a.id::text, organization_id, user_id, action, ip_address, to_char(created_at" [UTC] "]
     from activity_logs a,
          (select " {user_id} "::text as user_wanted, " {organization_id} "::text as organization_wanted) as one
     where a.id > " {after} " and a.id < " {before} "
       and created_at >= to_timestamp(" {from_ms} " / 1000.0) and created_at < to_timestamp(" {to_ms} " / 1000.0)
       and (user_wanted is null or user_id = user_wanted)
       and (organization_wanted is null or organization_id = organization_wanted)
     order by a.id limit " {most}
}

pub(super) async fn activity_logs(
    conn: &mut AsyncPgConnection,
    bounds: &Bounds<'_>,
    place: Option<Place>,
) -> Result<Page, Error> {
    let Bounds { from_ms, to_ms, user_id, organization_id, .. } = *bounds;
    let (after, before) = ids(bounds, place);
    let lifetime = PhantomData;
    let statement = ActivityLogs { after, before, from_ms, to_ms, user_id, organization_id, most: PAGE, lifetime };
    Ok(by_id(statement.load(conn).await?))
}
