//! Stores the messages of firings.

use sigpost_qstash::MessageId;
use sigpost_store::accept::{Accepted, Arrival, LeaseTerms, NewMessage, accept};
use sigpost_store::{AsyncConnection, AsyncPgConnection, Error, WakeUps};

use crate::trace;

/// Stored messages of schedules.
#[derive(Debug, Default)]
pub(crate) struct Stored {
    /// Without duplicates, which were stored earlier.
    pub(crate) ids: Vec<MessageId>,
    /// When the messages can start.
    pub(crate) wake_ups: WakeUps,
}

/// The IDs of the messages of one part, of earlier messages for duplicates; or why Postgres rejected the part.
pub(super) type Outcome = Result<Vec<MessageId>, Error>;

/// Stores the messages in one statement. Each part, which has the messages of one schedule, is stored as a whole or not
/// at all. If Postgres rejects the data, the batch is halved until only the faulty parts are left out.
///
/// # Errors
///
/// All errors except rejected data. The transaction has to be rolled back.
pub(super) async fn store_each(
    conn: &mut AsyncPgConnection,
    parts: Vec<Vec<NewMessage>>,
) -> Result<(Vec<Outcome>, Stored), Error> {
    let sizes: Vec<usize> = parts.iter().map(Vec::len).collect();
    let mut messages: Vec<NewMessage> = parts.into_iter().flatten().collect();
    // The spans end with this function.
    let _spans: Vec<_> = messages.iter_mut().map(|new| trace::publish(&mut new.message)).collect();
    let arrivals: Vec<Arrival> = messages.into_iter().map(|new| Arrival { new, leased: false }).collect();

    let mut outcomes = Vec::with_capacity(sizes.len());
    let mut stored = Stored::default();
    let mut remaining = &arrivals[..];
    // A stack: its top is the range of parts whose messages come next.
    let mut ranges = vec![&sizes[..]];
    while let Some(range) = ranges.pop() {
        let (batch, later) = remaining.split_at(range.iter().sum());
        match store(conn, batch).await {
            Ok(Accepted { duplicate_of, wake_ups, .. }) => {
                let ids = || batch.iter().map(|arrival| arrival.new.message.id).zip(&duplicate_of);
                stored.ids.extend(ids().filter(|(_, earlier)| earlier.is_none()).map(|(id, _)| id));
                stored.wake_ups = stored.wake_ups.and(wake_ups);
                let mut ids = ids().map(|(id, earlier)| earlier.unwrap_or(id));
                outcomes.extend(range.iter().map(|size| Ok(ids.by_ref().take(*size).collect())));
            }
            Err(Error::Rejected(_)) if range.len() > 1 => {
                let (first, second) = range.split_at(range.len() / 2);
                ranges.extend([second, first]);
                continue;
            }
            Err(error @ Error::Rejected(_)) => outcomes.push(Err(error)),
            Err(error) => return Err(error),
        }
        remaining = later;
    }
    Ok((outcomes, stored))
}

/// Stores the messages of one schedule.
pub(super) async fn store_all(
    conn: &mut AsyncPgConnection,
    messages: Vec<NewMessage>,
) -> Result<(Outcome, Stored), Error> {
    let (mut outcomes, stored) = store_each(conn, vec![messages]).await?;
    Ok((outcomes.pop().unwrap_or_else(|| Ok(Vec::new())), stored))
}

/// Stores a batch in a savepoint, so that the transaction can continue after data that Postgres rejects.
async fn store(conn: &mut AsyncPgConnection, batch: &[Arrival]) -> Result<Accepted, Error> {
    if batch.is_empty() {
        return Ok(Accepted { created_at_ms: 0, duplicate_of: Vec::new(), wake_ups: WakeUps::default() });
    }
    let accepted = store_once(conn, batch).await;
    if matches!(accepted, Err(Error::Rejected(_))) && batch.iter().any(Arrival::has_limits) {
        // A queue may have been deleted after it was found. The second statement creates it again.
        return store_once(conn, batch).await;
    }
    accepted
}

async fn store_once(conn: &mut AsyncPgConnection, batch: &[Arrival]) -> Result<Accepted, Error> {
    conn.transaction(async |conn| accept(conn, batch, LeaseTerms::NONE, true).await).await
}

/// Returns the outcome that the schedule shows.
pub(super) fn shown(schedule: &str, outcome: Outcome) -> Result<Vec<MessageId>, String> {
    outcome.map_err(|error| {
        tracing::error!(%error, schedule, "storing a firing failed");
        "internal error, see the log of the server".to_owned()
    })
}
