//! Firings that EventBridge Scheduler requests by schedule and time: within a minute or hours later, repeatedly and in any
//! order.

use std::{fmt, iter};

use jiff::{SignedDuration, Timestamp};
use sigpost_qstash::{CatchUp, Cron, MessageId};
use sigpost_store::firings::{Taken, claim, record, take};
use sigpost_store::schedules::{Fired, Schedule};
use sigpost_store::{AsyncConnection, AsyncPgConnection, Error};

use super::Composer;
use super::compose::Groups;
use super::store::{Stored, shown, store_all};

/// Maximum delay of a firing that is not missed: EventBridge Scheduler has a precision of a minute (User Guide, "Schedule
/// types"), and the other driver tolerates a minute.
const IN_TIME: SignedDuration = SignedDuration::from_mins(2);

/// The result of a requested firing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Firing {
    /// The IDs of the messages; of earlier messages for duplicates by the schedule's deduplication ID.
    Published(Vec<MessageId>),
    /// The messages cannot be published; the schedule shows the error.
    Rejected(String),
    /// Nothing was published or changed.
    Skipped(Skip),
}

/// Why a firing is skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skip {
    /// The schedule does not exist.
    Unknown,
    /// The schedule is paused.
    Paused,
    /// The current cron expression does not match that time.
    NotItsTime,
    /// The schedule was created, resumed or changed after that time.
    BeforeItsTime,
    /// The firing was missed, and the catch-up setting of the schedule excludes it.
    Missed,
    /// The firing was published before.
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

/// Publishes the messages of the schedule for the time `at`, at most once for repeated calls. Returns the result and the
/// stored messages.
///
/// # Errors
///
/// The database is unavailable, or another transaction conflicts. Nothing is stored; call again.
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
        let firing = fired.published.map_or_else(Firing::Rejected, Firing::Published);
        Ok((firing, stored))
    })
    .await
}

/// Stores the messages of this firing. The schedule shows the inner error.
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
        Err(rejected) => Ok((Err(rejected.text().to_owned()), Stored::default())),
    }
}

/// Returns the cron expression if the schedule fires for that time.
fn to_fire(taken: &Taken, at: Timestamp) -> Result<Cron, Skip> {
    if taken.paused {
        return Err(Skip::Paused);
    }
    // An expression that no longer parses, because its time zone was removed, matches no time.
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
        // The last of the late firings is also requested, and is published.
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
        // No invocation for half an hour.
        let late = |catch_up| ["10:10:00", "10:20:00", "10:30:00"].map(|time| asked_at("10:35:00", catch_up, time));
        assert_eq!(late(CatchUp::None), [Some(Skip::Missed); 3]);
        assert_eq!(late(CatchUp::Last), [Some(Skip::Missed), Some(Skip::Missed), None]);
        assert_eq!(late(CatchUp::All), [None; 3]);
    }
}
