//! Flow-control keys keep their parallelism, by the database's clock.

use super::Violation;
use crate::history::{History, Message};
use crate::limits::{KEYS, Key};

pub(super) fn check(history: &History) -> Vec<Violation> {
    let mut violations = Vec::new();
    for Key { name: key, parallelism, .. } in KEYS {
        let Some(parallelism) = parallelism else { continue };
        let limit = format!("flow:{key}");
        let limited = history.messages.iter().filter(|(_, message)| message.limits.contains(&limit));
        let mut attempts: Vec<(f64, f64, &str)> = limited
            .flat_map(|(id, message)| {
                attempts(message, history.lease).into_iter().map(move |(s, e)| (s, e, id.as_str()))
            })
            .collect();
        attempts.sort_by(|one, other| one.0.total_cmp(&other.0));
        for (position, (start, _, id)) in attempts.iter().enumerate() {
            let others = attempts[..position].iter().filter(|(_, end, _)| end > start).count();
            if others >= parallelism {
                let details = format!("key {key}: {id} started beside {others} others, {parallelism} are allowed");
                violations.push(Violation::new("key parallelism", *start, details));
            }
        }
    }
    violations
}

/// Start and end of each attempt. One without a recorded end has its slot for a lease at least.
fn attempts(message: &Message, lease: f64) -> Vec<(f64, f64)> {
    let relevant = |state: &str| ["ACTIVE", "ERROR", "DELIVERED", "CANCELED"].contains(&state);
    let events: Vec<(f64, bool)> = message
        .events
        .iter()
        .filter(|event| relevant(&event.state))
        .map(|event| (event.at, event.state == "ACTIVE"))
        .collect();
    let starts = events.iter().enumerate().filter(|(_, (_, is_start))| *is_start);
    let ends = starts.map(|(position, (start, _))| match events.get(position + 1) {
        Some((end, false)) => (*start, *end),
        Some((next, true)) => (*start, next.min(start + lease)),
        None => (*start, start + lease),
    });
    ends.collect()
}

#[cfg(test)]
mod tests {
    use super::super::sample::{add_delivered, event, kinds};
    use super::check;
    use crate::history::History;

    fn limited(starts: &[f64]) -> History {
        let mut history = History { lease: 6.0, ..History::default() };
        for (number, start) in starts.iter().enumerate() {
            let id = format!("msg_{number}");
            add_delivered(&mut history, &id, *start);
            history.messages.get_mut(&id).expect("sample").limits = vec!["flow:parallel".to_owned()];
        }
        history
    }

    #[test]
    fn as_many_attempts_as_allowed_are_no_violation() {
        assert_eq!(check(&limited(&[100.0, 100.05, 100.1, 100.15])), []);
    }

    #[test]
    fn third_attempt_at_once_is_a_violation() {
        assert_eq!(kinds(&check(&limited(&[100.0, 100.02, 100.04]))), ["key parallelism"]);
    }

    #[test]
    fn lost_lease_has_its_slot_until_it_expires() {
        let mut history = limited(&[100.0, 103.0, 103.02]);
        let message = history.messages.get_mut("msg_0").expect("sample");
        // The first attempt has no end; the second one comes after the lease.
        message.events = vec![event(100.0, "ACTIVE"), event(107.0, "ACTIVE"), event(107.1, "DELIVERED")];
        assert_eq!(kinds(&check(&history)), ["key parallelism"]);
    }
}
