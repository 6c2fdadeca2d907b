//! Fires due schedules in batches. One transaction claims the schedules, stores their messages and advances them.

use std::mem::take;

use jiff::Timestamp;
use sigpost_qstash::Cron;
use sigpost_runtime::ApiError;
use sigpost_store::accept::NewMessage;
use sigpost_store::firings::claim;
use sigpost_store::schedules::{Advance, DueSchedule, Fired, advance, claim_due};
use sigpost_store::{AsyncConnection, AsyncPgConnection, Error};

use super::Composer;
use super::compose::Groups;
use super::plan::{Plan, plan};
use super::store::{Outcome, Stored, shown, store_each};

/// Maximum number of schedules in one transaction, and of messages unless a single schedule has more. Larger commits take
/// long and save little.
pub(super) const BATCH: usize = 256;
/// Maximum size of their messages in bytes, except for a single schedule. Postgres limits a statement to 1 GB.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// The result of a transaction.
pub(super) enum Turn {
    /// Schedules were advanced, and these messages are stored.
    Fired(Stored),
    /// Firing the schedules with these IDs failed, for example because of another transaction. They stay due.
    Failed(Vec<String>),
    /// Nothing is due, or other transactions have locked all due schedules.
    NothingDue,
}

/// A claimed schedule.
struct Firing<'a> {
    id: &'a str,
    /// The times for which it fires, in order, with the messages of each.
    times: Vec<(Timestamp, Vec<NewMessage>)>,
    /// Why there are no messages.
    error: Option<String>,
    /// The time of the next firing.
    next: Option<Timestamp>,
}

/// Fires at most `most` schedules, earliest first, except those in `except`. A schedule whose messages cannot be published
/// shows the error, and continues with its next firing.
///
/// With `rivals` another process fires the same schedules by id and time: each of their times is claimed.
pub(super) async fn fire_next(
    conn: &mut AsyncPgConnection,
    composer: &Composer,
    rivals: bool,
    except: &[String],
    most: usize,
) -> Result<Turn, Error> {
    let mut claimed = Vec::new();
    let turn = conn.transaction(async |conn| {
        let due = claim_due(conn, except, most, BATCH_BYTES).await?;
        if due.is_empty() {
            return Ok(Turn::NothingDue);
        }
        claimed.extend(due.iter().map(|due| due.schedule.id.clone()));
        let groups = Groups::of(conn, due.iter().map(|due| &due.schedule)).await?;
        let mut batch = compose(composer, &groups, &due);
        if rivals {
            claim_times(conn, &mut batch).await?;
        }
        let messages = batch.iter_mut().map(Firing::take_messages).collect();
        let (outcomes, stored) = store_each(conn, messages).await?;
        let batch: Vec<Advance<'_>> = batch.into_iter().zip(outcomes).map(|(one, outcome)| one.end(outcome)).collect();
        advance(conn, &batch).await?;
        Ok(Turn::Fired(stored))
    });
    match turn.await {
        Err(error) if !matches!(error, Error::Unavailable(_)) && !claimed.is_empty() => {
            let (count, first) = (claimed.len(), claimed.first());
            tracing::warn!(%error, count, first, "firing due schedules failed; they stay due");
            Ok(Turn::Failed(claimed))
        }
        turn => turn,
    }
}

/// Composes the messages of the first of these schedules, as many as fit into the bounds of a batch.
fn compose<'a>(composer: &Composer, groups: &Groups, due: &'a [DueSchedule]) -> Vec<Firing<'a>> {
    let mut batch: Vec<Firing<'a>> = Vec::with_capacity(due.len());
    let (mut count, mut bytes) = (0_usize, 0_usize);
    for due in due {
        let firing = Firing::of(composer, groups, due);
        let messages = || firing.times.iter().flat_map(|(_, messages)| messages);
        count += messages().count();
        bytes += messages().map(NewMessage::size_bytes).sum::<usize>();
        if !batch.is_empty() && (count > BATCH || bytes > BATCH_BYTES) {
            break;
        }
        batch.push(firing);
    }
    batch
}

impl<'a> Firing<'a> {
    fn of(composer: &Composer, groups: &Groups, due: &'a DueSchedule) -> Self {
        let DueSchedule { schedule, due_at, now } = due;
        let id = schedule.id.as_str();
        let cron: Cron = match schedule.cron.parse() {
            Ok(cron) => cron,
            Err(error) => {
                let error = Some(format!("the schedule will not fire again: {error}"));
                return Self { id, times: vec![(*due_at, Vec::new())], error, next: None };
            }
        };
        let Plan { firings, next } = plan(&cron, schedule.catch_up, *due_at, *now);
        let at = |at: &Timestamp| Ok((*at, composer.messages(schedule, groups, *at)?));
        match firings.iter().map(at).collect::<Result<_, ApiError>>() {
            Ok(times) => Self { id, times, error: None, next },
            Err(error) => {
                let times = firings.iter().map(|at| (*at, Vec::new())).collect();
                Self { id, times, error: Some(error.text().to_owned()), next }
            }
        }
    }

    fn take_messages(&mut self) -> Vec<NewMessage> {
        self.times.iter_mut().flat_map(|(_, messages)| take(messages)).collect()
    }

    fn end(self, outcome: Outcome) -> Advance<'a> {
        let published = self.error.map_or_else(|| shown(self.id, outcome), Err);
        let fired = self.times.last().map(|(at, _)| Fired { at: *at, published });
        Advance { id: self.id, fired, next_fire_at: self.next }
    }
}

/// Removes the times that another process has fired. A schedule that will not fire again shows its error in any case.
async fn claim_times(conn: &mut AsyncPgConnection, batch: &mut [Firing<'_>]) -> Result<(), Error> {
    let mut firing: Vec<&mut Firing<'_>> =
        batch.iter_mut().filter(|one| one.next.is_some() || one.error.is_none()).collect();
    let times: Vec<(&str, Timestamp)> =
        firing.iter().flat_map(|one| one.times.iter().map(|(at, _)| (one.id, *at))).collect();
    let mut is_new = claim(conn, &times).await?.into_iter();
    firing.iter_mut().for_each(|one| one.times.retain(|_| is_new.next() == Some(true)));
    Ok(())
}
