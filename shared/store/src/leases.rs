//! Leases under way: renewed while a push lasts, so that they can be short and a killed process is
//! found out soon, however long a destination may take.

use std::marker::PhantomData;
use std::time::Duration;

use diesel::sql_types::{Array, BigInt, Double, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use sigpost_qstash::MessageId;
use uuid::Uuid;

use crate::Error;

statement! {
    Renew {
        lease_s: f64 => Double,
        ids: Vec<Uuid> => Array<SqlUuid>,
        tokens: Vec<Uuid> => Array<SqlUuid>,
    } -> SqlUuid;
    "update messages m set due_at = now() + make_interval(secs => " {lease_s} ")
     from unnest(" {ids} "," {tokens} ") as held(id, token)
     where m.id = held.id and m.lease_token = held.token
     returning m.id"
}

/// Prolongs these leases. Returns the messages that are still ours: those missing were cancelled,
/// or claimed by another dispatcher after the lease had run out.
pub async fn renew(
    conn: &mut AsyncPgConnection,
    held: &[(MessageId, Uuid)],
    length: Duration,
) -> Result<Vec<MessageId>, Error> {
    let statement = Renew {
        lease_s: length.as_secs_f64(),
        ids: held.iter().map(|(id, _)| id.0).collect(),
        tokens: held.iter().map(|(_, token)| *token).collect(),
        lifetime: PhantomData,
    };
    let ids: Vec<Uuid> = statement.load(conn).await?;
    Ok(ids.into_iter().map(MessageId).collect())
}

statement! {
    /// A lease that holds ends within its length from now: the index of what is due leads to it,
    /// and neither a backlog nor what is scheduled for later is looked at.
    CountActive { lease_s: f64 => Double } -> BigInt;
    "select count(*) from messages
     where due_at between now() and now() + make_interval(secs => " {lease_s} ") and state = 'active'"
}

/// How many leases of at most this length hold.
pub async fn count_active(conn: &mut AsyncPgConnection, length: Duration) -> Result<i64, Error> {
    Ok(CountActive { lease_s: length.as_secs_f64(), lifetime: PhantomData }.get_result(conn).await?)
}
