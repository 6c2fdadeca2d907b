//! Leases of attempts in flight. They are renewed during an attempt, so that they can be short and a crash is
//! detected soon, whatever the duration of attempts.

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
    "update pending_deliveries p set lease_until = now() + make_interval(secs => " {lease_s} ")
     from unnest(" {ids} "," {tokens} ") as held(id, token)
     where p.id = held.id and p.lease_token = held.token
     returning p.id"
}

/// The lease of leased arrivals.
#[derive(Clone, Copy, Debug)]
pub struct LeaseTerms {
    /// The lease token; unique per batch.
    pub token: Uuid,
    /// Length of the lease without renewal.
    pub length: Duration,
}

impl LeaseTerms {
    /// For batches without leased arrivals.
    pub const NONE: Self = Self { token: Uuid::nil(), length: Duration::ZERO };
}

/// Renews these leases. Returns the messages that are still leased: missing ones were cancelled, or claimed by
/// another dispatcher after the lease had expired.
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
    CountInFlight {} -> BigInt;
    "select count(*) from earliest_due where lease_until > now()"
}

/// Returns the number of messages in flight, of all dispatchers.
pub async fn count_in_flight(conn: &mut AsyncPgConnection) -> Result<i64, Error> {
    Ok(CountInFlight { lifetime: PhantomData }.get_result(conn).await?)
}
