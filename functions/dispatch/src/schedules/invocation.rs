//! A firing that somebody else asks for, by schedule and time, as EventBridge Scheduler does: within
//! a minute or hours later, again, and in any order.

use std::{fmt, iter};

use jiff::{SignedDuration, Timestamp};
use sigpost_qstash::{CatchUp, Cron, MessageId};
use sigpost_store::firings::{Taken, claim, record, take};
use sigpost_store::schedules::{Fired, Schedule};
use sigpost_store::{AsyncConnection, AsyncPgConnection, Error};

use super::Composer;
use super::compose::Groups;
use super::store::{Stored, shown, store_all};

/// A firing this late is still in time: EventBridge Scheduler takes up to a minute (its User Guide,
/// "Schedule types"), and a minute is in time for the other driver.
const IN_TIME: SignedDuration = SignedDuration::from_mins(2);

/// What a firing that was asked for came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Firing {
    /// These messages; those of earlier ones where the creator's deduplication id has some.
    Published(Vec<MessageId>),
    /// What the schedule asks for cannot be published; the schedule shows why.
    Refused(String),
    /// It is not to be published, and nothing has changed.
    Skipped(Skip),
}

/// Why a firing is not to be published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skip {
    /// There is no such schedule, any more perhaps.
    Unknown,
    /// It is paused.
    Paused,
    /// Its expression does not name that time, any more perhaps.
    NotItsTime,
    /// It was created, resumed or changed after that time.
    BeforeItsTime,
    /// It is too late, as the schedule's catch-up says.
    Missed,
    /// It was published before.
    Repeated,
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "the schedule does not exist",
            Self::Paused => "it is paused",
            Self::NotItsTime => "its cron expression does not match that time",
            Self::BeforeItsTime => "it was created, resumed or changed after that time",
            Self::Missed => "it was missed",
            Self::Repeated => "it was published before",
        })
    }
}

/// Publishes the messages of the schedule for the time `at`, once, however often this is called.
/// Returns what was stored beside what it came to.
///
/// # Errors
///
/// The database is away, or another transaction is in the way: nothing has happened, call again.
pub(crate) async fn fire_for(
    conn: &mut AsyncPgConnection,
    composer: &Composer,
    id: &str,
    at: Timestamp,
) -> Result<(Firing, Stored), Error> {
    let skipped = |skip| Ok((Firing::Skipped(skip), Stored::default()));
    conn.transaction(async |conn| {
        let Some(taken) = take(conn, id).await? else { return skipped(Skip::Unknown) };
        let cron = match to_fire(&taken, at) {
            Ok(cron) => cron,
            Err(skip) => return skipped(skip),
        };
        if claim(conn, &[(id, at)]).await? != [true] {
            return skipped(Skip::Repeated);
        }
        let (published, stored) = publish(conn, composer, &taken.schedule, at).await?;
        let fired = Fired { at, published };
        record(conn, id, &fired, cron.next_after(at)).await?;
        let firing = fired.published.map_or_else(Firing::Refused, Firing::Published);
        Ok((firing, stored))
    })
    .await
}

/// Stores the messages of this firing. The inner error is what the schedule shows.
async fn publish(
    conn: &mut AsyncPgConnection,
    composer: &Composer,
    schedule: &Schedule,
    at: Timestamp,
) -> Result<(Result<Vec<MessageId>, String>, Stored), Error> {
    let groups = Groups::of(conn, iter::once(schedule)).await?;
    match composer.messages(schedule, &groups, at) {
        Ok(messages) => {
            let (outcome, stored) = store_all(conn, messages).await?;
            Ok((shown(&schedule.id, outcome), stored))
        }
        Err(refused) => Ok((Err(refused.text().to_owned()), Stored::default())),
    }
}

/// Whether the schedule fires for that time; its expression, if it does.
fn to_fire(taken: &Taken, at: Timestamp) -> Result<Cron, Skip> {
    if taken.paused {
        return Err(Skip::Paused);
    }
    // One that no longer parses, for its time zone is gone, names no time.
    let cron: Cron = taken.schedule.cron.parse().map_err(|_| Skip::NotItsTime)?;
    if at.checked_sub(SignedDuration::from_nanos(1)).ok().and_then(|before| cron.next_after(before)) != Some(at) {
        return Err(Skip::NotItsTime);
    }
    if at <= taken.fires_from {
        return Err(Skip::BeforeItsTime);
    }
    let latest_in_time = taken.now.checked_sub(IN_TIME).unwrap_or(Timestamp::MIN);
    let missed = match taken.schedule.catch_up {
        CatchUp::All => false,
        // The last of those that are late comes as well, and is the one to be published.
        CatchUp::Last => cron.latest_between(at, latest_in_time).is_some(),
        CatchUp::None => at < latest_in_time,
    };
    if missed { Err(Skip::Missed) } else { Ok(cron) }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use jiff::Timestamp;
    use sigpost_qstash::{CatchUp, Params};
    use sigpost_store::firings::Taken;
    use sigpost_store::schedules::Schedule;

    use super::{Skip, to_fire};

    fn at(text: &str) -> Timestamp {
        format!("2026-11-25T{text}Z").parse().expect("a time")
    }

    /// Every ten minutes since 10:05.
    fn asked_at(now: &str, catch_up: CatchUp, time: &str) -> Option<Skip> {
        let schedule = Schedule {
            id: "s".to_owned(),
            cron: "*/10 * * * *".to_owned(),
            destination: "https://example.com".to_owned(),
            parameters: Params::default(),
            body: Bytes::new(),
            catch_up,
            caller_ip: None,
        };
        let taken = Taken { schedule, paused: false, fires_from: at("10:05:00"), now: at(now) };
        to_fire(&taken, at(time)).err()
    }

    #[test]
    fn only_times_that_the_expression_names_since_it_counts_are_fired() {
        for (time, expected) in [
            ("10:10:00", None),
            ("10:20:00", None),
            ("10:15:00", Some(Skip::NotItsTime)),
            ("10:10:01", Some(Skip::NotItsTime)),
            ("10:10:00.001", Some(Skip::NotItsTime)),
            ("10:00:00", Some(Skip::BeforeItsTime)),
        ] {
            assert_eq!(asked_at("10:10:30", CatchUp::All, time), expected, "{time}");
        }
    }

    #[test]
    fn what_is_late_is_caught_up_as_the_schedule_says() {
        for catch_up in [CatchUp::None, CatchUp::Last, CatchUp::All] {
            assert_eq!(asked_at("10:12:00", catch_up, "10:10:00"), None, "{catch_up:?}");
        }
        // Nothing came for half an hour.
        let late = |catch_up| ["10:10:00", "10:20:00", "10:30:00"].map(|time| asked_at("10:35:00", catch_up, time));
        assert_eq!(late(CatchUp::None), [Some(Skip::Missed); 3]);
        assert_eq!(late(CatchUp::Last), [Some(Skip::Missed), Some(Skip::Missed), None]);
        assert_eq!(late(CatchUp::All), [None; 3]);
    }
}
