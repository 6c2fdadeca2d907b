//! Decides which firings of a due schedule are published now. A pure function.

use jiff::{SignedDuration, Timestamp};
use sigpost_qstash::{CatchUp, Cron};

/// Maximum delay of a firing that is not missed: processes restart, and the unit of cron is the minute.
const LONGEST_DELAY: SignedDuration = SignedDuration::from_mins(1);
/// Maximum number of firings in one transaction. The next one continues.
const MOST: usize = 16;

/// The firings of a due schedule.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// The times for which it fires, in order.
    pub(super) firings: Vec<Timestamp>,
    /// The next due time, which may be in the past. `None` if there is none.
    pub(super) next: Option<Timestamp>,
}

/// Plans the firings of a schedule whose first open firing is at `due_at`, which is not after `now`.
pub(super) fn plan(cron: &Cron, catch_up: CatchUp, due_at: Timestamp, now: Timestamp) -> Plan {
    let last = || cron.latest_between(due_at, now).unwrap_or(due_at);
    let firings = match catch_up {
        CatchUp::All => std::iter::once(due_at).chain(cron.all_between(due_at, now, MOST - 1)).collect(),
        CatchUp::Last => vec![last()],
        CatchUp::None => Some(last()).filter(|last| is_in_time(cron, *last, now)).into_iter().collect(),
    };
    let from = match (catch_up, firings.last()) {
        (CatchUp::All, Some(last)) => *last,
        _ => now,
    };
    Plan { next: cron.next_after(from), firings }
}

/// Whether a firing is late by at most a minute and at most half the time to the next firing. Without the second limit, a
/// schedule with a period of a minute or less would never miss its last firing.
fn is_in_time(cron: &Cron, firing: Timestamp, now: Timestamp) -> bool {
    let half_period = cron.next_after(firing).map(|next| next.duration_since(firing) / 2);
    now.duration_since(firing) <= half_period.map_or(LONGEST_DELAY, |half| half.min(LONGEST_DELAY))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use sigpost_qstash::{CatchUp, Cron};

    use super::{MOST, is_in_time, plan};

    fn at(text: &str) -> Timestamp {
        format!("2026-11-23T{text}Z").parse().expect("a time")
    }

    fn planned(catch_up: CatchUp, due_at: &str, now: &str) -> (Vec<Timestamp>, Option<Timestamp>) {
        let cron = Cron::parse("cron", "*/10 * * * *").expect("cron");
        let plan = plan(&cron, catch_up, at(due_at), at(now));
        (plan.firings, plan.next)
    }

    #[test]
    fn what_is_due_in_time_fires_whatever_is_caught_up() {
        for catch_up in [CatchUp::None, CatchUp::Last, CatchUp::All] {
            let expected = (vec![at("12:00:00")], Some(at("12:10:00")));
            assert_eq!(planned(catch_up, "12:00:00", "12:00:00"), expected);
            assert_eq!(planned(catch_up, "12:00:00", "12:01:00"), expected);
        }
    }

    #[test]
    fn missed_firings_are_none_one_or_all() {
        let missed = |catch_up| planned(catch_up, "12:00:00", "12:35:00");
        assert_eq!(missed(CatchUp::None), (vec![], Some(at("12:40:00"))));
        assert_eq!(missed(CatchUp::Last), (vec![at("12:30:00")], Some(at("12:40:00"))));
        let all = vec![at("12:00:00"), at("12:10:00"), at("12:20:00"), at("12:30:00")];
        assert_eq!(missed(CatchUp::All), (all, Some(at("12:40:00"))));
        // The last of them is in time.
        assert_eq!(planned(CatchUp::None, "12:00:00", "12:30:59"), (vec![at("12:30:00")], Some(at("12:40:00"))));
    }

    #[test]
    fn firing_is_in_time_up_to_a_minute_and_half_its_period() {
        for (cron, firing, latest_in_time, first_too_late) in [
            ("* * * * * *", "12:00:00", "12:00:00.5", "12:00:00.501"),
            ("*/10 * * * * *", "12:00:00", "12:00:05", "12:00:05.001"),
            ("*/30 * * * * *", "12:00:30", "12:00:45", "12:00:45.001"),
            ("* * * * *", "12:00:00", "12:00:30", "12:00:30.001"),
            ("*/2 * * * *", "12:00:00", "12:01:00", "12:01:00.001"),
            ("*/10 * * * *", "12:00:00", "12:01:00", "12:01:00.001"),
            ("0 12 * * *", "12:00:00", "12:01:00", "12:01:00.001"),
            // The next firing counts, not the one before.
            ("0,1 12 * * *", "12:00:00", "12:00:30", "12:00:30.001"),
            ("0,1 12 * * *", "12:01:00", "12:02:00", "12:02:00.001"),
        ] {
            let parsed: Cron = cron.parse().expect("cron");
            assert!(is_in_time(&parsed, at(firing), at(firing)), "{cron}");
            assert!(is_in_time(&parsed, at(firing), at(latest_in_time)), "{cron} at {latest_in_time}");
            assert!(!is_in_time(&parsed, at(firing), at(first_too_late)), "{cron} at {first_too_late}");
        }
    }

    #[test]
    fn every_minute_without_catch_up_skips_what_an_outage_missed() {
        let cron = Cron::parse("cron", "* * * * *").expect("cron");
        let planned = |now| plan(&cron, CatchUp::None, at("12:00:00"), at(now)).firings;
        assert_eq!(planned("12:00:05"), [at("12:00:00")], "a restart of a few seconds");
        assert_eq!(planned("12:07:40"), []);
        assert_eq!(planned("12:07:20"), [at("12:07:00")]);
    }

    #[test]
    fn many_missed_firings_go_on_where_the_last_plan_ended() {
        let (first, next) = planned(CatchUp::All, "12:00:00", "18:00:00");
        assert_eq!((first.len(), first.last(), next), (MOST, Some(&at("14:30:00")), Some(at("14:40:00"))));
    }
}
