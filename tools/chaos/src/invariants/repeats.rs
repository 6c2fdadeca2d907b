//! A message that got a 2xx is not sent again, unless the lease of that attempt could expire.
//!
//! A process without its database keeps the outcome in memory and records it afterwards. A lease therefore expires only
//! if the process ends, or if an interruption lasts until the expiry. Leases are renewed every third of their duration,
//! so at the start of an interruption at least a third is left.

use std::collections::HashMap;

use super::Violation;
use crate::history::{Arrival, Disruption, Effect, History};

/// Maximum time from the end of an interruption to the record of an outcome: a failed commit is retried within two
/// seconds.
const RECORDED_WITHIN: f64 = 2.0;

/// Time in which a killed process may still send requests.
const KILLED_WITHIN: f64 = 0.1;

pub(super) fn check(history: &History) -> Vec<Violation> {
    let mut attempts: HashMap<&str, Vec<&Arrival>> = HashMap::new();
    for arrival in &history.arrivals {
        attempts.entry(&arrival.message).or_default().push(arrival);
    }
    let mut violations = Vec::new();
    for (id, mut attempts) in attempts {
        attempts.sort_by(|one, other| one.began.total_cmp(&other.began));
        for pair in attempts.windows(2) {
            let [first, second] = pair else { continue };
            let is_success = first.status.is_some_and(|status| (200..300).contains(&status));
            if is_success && !may_repeat(history, first, second.began) && !is_late(history, second) {
                let details = format!(
                    "{id} was sent by process {:?} at {:.3} and got a 2xx, and again by process {:?} at {:.3}",
                    first.process, first.began, second.process, second.began
                );
                violations.push(Violation::new("repeated", second.began, details));
            }
        }
    }
    violations
}

fn may_repeat(history: &History, first: &Arrival, again: f64) -> bool {
    let recording = RECORDED_WITHIN + history.tolerance;
    let unrecorded_until = f64::min(first.ended.unwrap_or(first.began) + recording, again);
    let mut concerning = history.disruptions.iter().filter(|disruption| disruption.concerns(first.process));
    concerning.any(|disruption| match disruption.effect {
        // The requests of the restarted process are not affected.
        Effect::Killed => (first.began - KILLED_WITHIN..=unrecorded_until).contains(&disruption.from),
        // A graceful shutdown records deliveries before it ends.
        Effect::ShutDown => false,
        _ if may_have_lost_the_lease(disruption, first.began) => true,
        Effect::Impaired | Effect::Detached | Effect::DatabaseCrashed | Effect::Stopped => {
            let expires = f64::max(first.began + history.lease, disruption.from + history.lease / 3.0);
            let recorded = recovered(history, disruption, first.process) + recording;
            disruption.from <= unrecorded_until && recorded >= expires
        }
    })
}

/// Whether the process was stopped between its claim and this attempt: the lease may have expired meanwhile, and the
/// attempt before it is that of the next lease.
fn is_late(history: &History, attempt: &Arrival) -> bool {
    history.disruptions.iter().any(|disruption| {
        disruption.effect == Effect::Stopped
            && disruption.concerns(attempt.process)
            && disruption.until - disruption.from >= history.lease / 3.0
            && (disruption.from..disruption.until + 1.0).contains(&attempt.began)
    })
}

/// The commit of a lease does not wait for the disk: a crash of Postgres loses the last 0.6 s of them (three times
/// `wal_writer_delay`). The request may be sent a moment after the crash.
fn may_have_lost_the_lease(disruption: &Disruption, began: f64) -> bool {
    disruption.effect == Effect::DatabaseCrashed && (disruption.from - 0.7..disruption.from + 0.5).contains(&began)
}

/// Returns when the process, or the last candidate if it is unknown, could renew leases again.
fn recovered(history: &History, disruption: &Disruption, process: Option<usize>) -> f64 {
    let last = history.probes.iter().map(|probe| probe.process).max().unwrap_or(0);
    let concerned = (0..=last).filter(|one| process.is_none_or(|process| process == *one));
    let longest = concerned.filter_map(|one| history.recovery(disruption, one)).reduce(f64::max);
    disruption.until + longest.unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::super::sample::{arrival, delivered, disruption, kinds};
    use super::check;
    use crate::history::{Arrival, Disruption, Effect};

    fn repeated(disruptions: Vec<Disruption>) -> Vec<&'static str> {
        let mut history = delivered();
        history.arrivals.push(Arrival { process: Some(1), ..arrival("msg_1", 0, 107.0, 200) });
        history.disruptions = disruptions;
        kinds(&check(&history))
    }

    #[test]
    fn repeat_without_a_reason_is_a_violation() {
        assert_eq!(repeated(Vec::new()), ["repeated"]);
    }

    #[test]
    fn repeat_after_the_end_of_the_process_is_allowed() {
        assert!(repeated(vec![disruption(Effect::Killed, Some(0), 100.02, 101.0)]).is_empty());
        assert!(repeated(vec![disruption(Effect::Killed, Some(0), 99.99, 101.0)]).is_empty());
        // Another process, or before the attempt, or after its record.
        assert_eq!(repeated(vec![disruption(Effect::Killed, Some(0), 103.0, 104.0)]), ["repeated"]);
        assert_eq!(repeated(vec![disruption(Effect::Killed, Some(1), 100.02, 101.0)]), ["repeated"]);
        assert_eq!(repeated(vec![disruption(Effect::Killed, Some(0), 99.0, 99.9)]), ["repeated"]);
    }

    #[test]
    fn repeat_after_a_shutdown_is_a_violation() {
        assert_eq!(repeated(vec![disruption(Effect::ShutDown, Some(0), 100.02, 104.0)]), ["repeated"]);
    }

    #[test]
    fn repeat_is_allowed_after_an_interruption_until_the_lease_expired() {
        assert!(repeated(vec![disruption(Effect::Stopped, Some(0), 100.0, 107.0)]).is_empty());
        assert!(repeated(vec![disruption(Effect::Detached, None, 100.0, 106.0)]).is_empty());
        // The process could record before the lease expired at 106.
        assert_eq!(repeated(vec![disruption(Effect::Detached, None, 100.0, 103.0)]), ["repeated"]);
        assert_eq!(repeated(vec![disruption(Effect::Impaired, None, 101.0, 101.1)]), ["repeated"]);
        // It had recorded before the interruption began.
        assert_eq!(repeated(vec![disruption(Effect::Detached, None, 103.0, 110.0)]), ["repeated"]);
    }

    #[test]
    fn repeat_is_allowed_after_a_crash_of_postgres_that_lost_the_lease() {
        assert!(repeated(vec![disruption(Effect::DatabaseCrashed, None, 100.3, 101.0)]).is_empty());
        // The commit was on disk before the crash, or came after it.
        assert_eq!(repeated(vec![disruption(Effect::DatabaseCrashed, None, 101.0, 102.0)]), ["repeated"]);
        assert_eq!(repeated(vec![disruption(Effect::DatabaseCrashed, None, 98.0, 99.0)]), ["repeated"]);
        // A shutdown loses nothing.
        assert_eq!(repeated(vec![disruption(Effect::Detached, None, 100.3, 101.0)]), ["repeated"]);
    }

    #[test]
    fn late_attempt_of_a_process_that_was_stopped_is_allowed() {
        // The repeat comes from process 1 at 107.
        assert!(repeated(vec![disruption(Effect::Stopped, Some(1), 99.5, 106.9)]).is_empty());
        assert_eq!(repeated(vec![disruption(Effect::Stopped, Some(1), 98.0, 105.0)]), ["repeated"]);
        assert_eq!(repeated(vec![disruption(Effect::Stopped, Some(2), 99.5, 106.9)]), ["repeated"]);
    }

    #[test]
    fn repeat_after_a_failed_attempt_is_allowed() {
        let mut history = delivered();
        history.arrivals[0].status = Some(500);
        history.arrivals.push(arrival("msg_1", 1, 100.5, 200));
        assert!(check(&history).is_empty());
    }
}
