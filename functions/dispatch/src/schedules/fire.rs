//! One firing: messages stored and the schedule moved on, in one transaction.

use jiff::Timestamp;
use sigpost_qstash::{Cron, MessageId};
use sigpost_store::accept::{Accepted, Arrival, LeaseTerms, NewMessage, accept};
use sigpost_store::firings::claim;
use sigpost_store::schedules::{DueSchedule, Fired, Schedule, advance, take_due};
use sigpost_store::{AsyncConnection, AsyncPgConnection, Error, WakeUps};

use super::Composer;
use super::plan::{Plan, plan};
use crate::trace;

/// What became of the schedule that has been due longest.
pub(super) enum Turn {
    /// It was moved on, and these messages are stored.
    Fired(Stored),
    /// The schedule with this id could not be fired, because of another transaction for instance. It stays due.
    Busy(String),
    /// None is due that nobody else fires at this moment.
    NothingDue,
}

/// Fires the schedule that has been due longest, but for those in `except`. What cannot be
/// published is written to the schedule, which goes on with its next firing.
///
/// With `rivals` somebody else makes the same schedules fire: what they have published is passed over,
/// and what is published here is not published by them.
pub(super) async fn fire_next(
    conn: &mut AsyncPgConnection,
    composer: &Composer,
    rivals: bool,
    except: &[String],
) -> Result<Turn, Error> {
    let mut taken = None;
    let turn = conn.transaction(async |conn| {
        let Some(due) = take_due(conn, except).await? else { return Ok(Turn::NothingDue) };
        let DueSchedule { schedule, due_at, now } = &due;
        taken = Some(schedule.id.clone());
        let cron: Cron = match schedule.cron.parse() {
            Ok(cron) => cron,
            Err(error) => {
                let fired = Fired { at: *due_at, published: Err(format!("it will not fire again: {error}")) };
                advance(conn, &schedule.id, Some(&fired), None).await?;
                return Ok(Turn::Fired(Stored::default()));
            }
        };
        let Plan { mut firings, next } = plan(&cron, schedule.catch_up, *due_at, *now);
        if rivals {
            firings = claim(conn, &schedule.id, &firings).await?;
        }
        let Published { outcome, stored } = publish(conn, composer, schedule, &firings).await?;
        let fired = firings.last().map(|at| Fired { at: *at, published: outcome });
        advance(conn, &schedule.id, fired.as_ref(), next).await?;
        Ok(Turn::Fired(stored))
    });
    match (turn.await, taken) {
        (Err(error @ Error::Unavailable(_)), _) => Err(error),
        (Err(error), Some(id)) => {
            tracing::warn!(%error, schedule = id, "a schedule cannot be fired yet");
            Ok(Turn::Busy(id))
        }
        (turn, _) => turn,
    }
}

/// What became of the messages of firings.
pub(super) struct Published {
    /// The ids, those of earlier messages for duplicates; or what the schedule shows.
    pub(super) outcome: Result<Vec<MessageId>, String>,
    /// What was stored.
    pub(super) stored: Stored,
}

/// Messages that a schedule has stored.
#[derive(Debug, Default)]
pub(crate) struct Stored {
    /// Without duplicates, which were stored earlier.
    pub(crate) ids: Vec<MessageId>,
    /// When they may start.
    pub(crate) wake_ups: WakeUps,
}

/// Stores the messages of these firings.
///
/// # Errors
///
/// Everything but rejected data: nothing has happened, and the schedule stays due.
pub(super) async fn publish(
    conn: &mut AsyncPgConnection,
    composer: &Composer,
    schedule: &Schedule,
    firings: &[Timestamp],
) -> Result<Published, Error> {
    let composed: Result<Vec<_>, _> = match composer.recipients(conn, schedule).await? {
        Ok(recipients) => firings.iter().map(|at| composer.messages(schedule, &recipients, *at)).collect(),
        Err(refused) => Err(refused),
    };
    let refused = match composed {
        Err(refused) => refused.text().to_owned(),
        Ok(messages) => match store_all(conn, messages.into_iter().flatten().collect()).await {
            Ok((ids, stored)) => return Ok(Published { outcome: Ok(ids), stored }),
            // Only what rejects the data will be the same the next time.
            Err(error @ Error::Refused(_)) => {
                tracing::error!(%error, schedule = schedule.id, "a firing cannot be stored");
                "internal error, see the log of the server".to_owned()
            }
            Err(error) => return Err(error),
        },
    };
    Ok(Published { outcome: Err(refused), stored: Stored::default() })
}

/// Under a savepoint, so that what Postgres refuses can be recorded.
async fn store(conn: &mut AsyncPgConnection, arrivals: &[Arrival]) -> Result<Accepted, Error> {
    conn.transaction(async |conn| accept(conn, arrivals, LeaseTerms::NONE, true).await).await
}

/// Stores the messages. Returns the ids, those of earlier messages for duplicates, and what was stored.
pub(super) async fn store_all(
    conn: &mut AsyncPgConnection,
    mut messages: Vec<NewMessage>,
) -> Result<(Vec<MessageId>, Stored), Error> {
    // They end with this function.
    let _spans: Vec<_> = messages.iter_mut().map(|new| trace::publish(&mut new.message)).collect();
    if messages.is_empty() {
        return Ok((Vec::new(), Stored::default()));
    }
    let arrivals: Vec<Arrival> = messages.into_iter().map(|new| Arrival { new, leased: false }).collect();
    let mut accepted = store(conn, &arrivals).await;
    if matches!(accepted, Err(Error::Refused(_))) && arrivals.iter().any(|one| one.new.message.has_gates()) {
        // Its queue was deleted after it had been found; now it is made anew.
        accepted = store(conn, &arrivals).await;
    }
    let Accepted { duplicate_of, wake_ups, .. } = accepted?;
    let mut stored = Stored { ids: Vec::with_capacity(arrivals.len()), wake_ups };
    let mut ids = Vec::with_capacity(arrivals.len());
    for (arrival, duplicate_of) in arrivals.into_iter().zip(duplicate_of) {
        let id = arrival.new.message.id;
        ids.push(duplicate_of.unwrap_or(id));
        if duplicate_of.is_none() {
            stored.ids.push(id);
        }
    }
    Ok((ids, stored))
}
