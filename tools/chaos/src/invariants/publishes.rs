//! A publish gets its response within 5 s, whatever fails: 2xx, or 503 with `Retry-After`.

use super::Violation;
use crate::history::{Effect, History, Publish};

const RESPONSE_WITHIN: f64 = 5.0;

pub(super) fn check(history: &History) -> Vec<Violation> {
    history.publishes.iter().filter_map(|publish| problem(history, publish)).collect()
}

fn problem(history: &History, publish: &Publish) -> Option<Violation> {
    let took = publish.ended - publish.began;
    let details = match publish.status {
        // What has ended before, or has just started.
        Some(404) if publish.is_cancellation => return None,
        Some(200..=299) => None,
        Some(503) if publish.has_retry_after => None,
        Some(503) => Some("status 503 without Retry-After".to_owned()),
        Some(status) => Some(format!("status {status}")),
        None if is_excused(history, publish) => return None,
        None => Some("no response".to_owned()),
    };
    let is_late =
        took > RESPONSE_WITHIN + history.tolerance && !publish.is_cancellation && !is_excused(history, publish);
    let details = details.or_else(|| is_late.then(|| format!("response {:?} after {took:.1} s", publish.status)))?;
    let details = format!("{} {} at process {}: {details}", publish.kind, publish.number, publish.process);
    Some(Violation::new("publish", publish.began, details))
}

/// A process that does not run sends no response.
fn is_excused(history: &History, publish: &Publish) -> bool {
    history.disruptions.iter().any(|disruption| {
        matches!(disruption.effect, Effect::Killed | Effect::ShutDown | Effect::Stopped)
            && disruption.concerns(Some(publish.process))
            // A restarted process listens a moment later.
            && disruption.from <= publish.ended
            && disruption.until + 5.0 >= publish.began
    })
}

#[cfg(test)]
mod tests {
    use super::super::sample::{disruption, kinds};
    use super::check;
    use crate::history::{Effect, History, Publish};

    fn published(status: Option<u16>, has_retry_after: bool, took: f64) -> History {
        let publish = Publish { status, has_retry_after, began: 100.0, ended: 100.0 + took, ..Publish::default() };
        History { publishes: vec![publish], ..History::default() }
    }

    #[test]
    fn successes_and_503_with_retry_after_are_no_violations() {
        assert_eq!(check(&published(Some(200), false, 0.1)), []);
        assert_eq!(check(&published(Some(503), true, 4.6)), []);
    }

    #[test]
    fn other_responses_are_violations() {
        assert_eq!(kinds(&check(&published(Some(500), false, 0.1))), ["publish"]);
        assert_eq!(kinds(&check(&published(Some(503), false, 0.1))), ["publish"]);
        assert_eq!(kinds(&check(&published(Some(200), false, 6.0))), ["publish"]);
    }

    #[test]
    fn no_response_is_allowed_only_from_a_process_that_does_not_run() {
        let mut history = published(None, false, 0.1);
        assert_eq!(kinds(&check(&history)), ["publish"]);
        history.disruptions = vec![disruption(Effect::Detached, Some(0), 99.0, 101.0)];
        assert_eq!(kinds(&check(&history)), ["publish"]);
        history.disruptions = vec![disruption(Effect::Killed, Some(0), 99.0, 101.0)];
        assert_eq!(check(&history), []);
    }
}
