//! Flow-control keys keep their rates: the starts fit into a sequence of periods.
//!
//! A period begins with its first start and has a fixed length. Its end is not in the log, so the check tries every
//! possible end.

use super::Violation;
use crate::history::History;
use crate::limits::{KEYS, Key};

/// Seconds by which a period may end later, because it begins after the starts that one statement counts.
const COUNTED_LATER: f64 = 0.25;

/// Seconds by which a logged start may precede its period: the log has the start time of the statement, which counts
/// the start later. A start that is earlier than this violates the rate.
const LOGGED_EARLIER: f64 = 0.02;

pub(super) fn check(history: &History) -> Vec<Violation> {
    let mut violations = Vec::new();
    for Key { name: key, rate, .. } in KEYS {
        let Some((rate, period)) = rate else { continue };
        let limit = format!("flow:{key}");
        let limited = history.messages.values().filter(|message| message.limits.contains(&limit));
        let mut starts: Vec<f64> = limited
            .flat_map(|message| message.events.iter().filter(|event| event.state == "ACTIVE").map(|event| event.at))
            .collect();
        starts.sort_by(f64::total_cmp);
        if let Err(at) = fit(&starts, rate, period.into()) {
            let details = format!("key {key}: the starts do not fit into periods of {period} s with {rate} each");
            violations.push(Violation::new("rate", at, details));
        }
    }
    violations
}

/// Checks that the starts fit. The error is the last start that fits.
fn fit(starts: &[f64], rate: usize, period: f64) -> Result<(), f64> {
    // Whether a period can begin with this start.
    let mut may_begin = vec![false; starts.len() + 1];
    may_begin[0] = true;
    let mut last = 0;
    for begin in 0..starts.len() {
        if !may_begin[begin] {
            continue;
        }
        last = begin;
        for next in begin + 1..=starts.len().min(begin + rate) {
            let has_ended = starts.get(next).is_none_or(|start| *start >= starts[begin] + period - LOGGED_EARLIER);
            let fits = starts[next - 1] <= starts[begin] + period + COUNTED_LATER;
            may_begin[next] |= has_ended && fits;
        }
    }
    match may_begin[starts.len()] {
        true => Ok(()),
        false => Err(starts[last]),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{add_delivered, kinds};
    use super::{check, fit};
    use crate::history::History;

    #[test]
    fn starts_within_periods_fit() {
        assert_eq!(fit(&[], 2, 1.0), Ok(()));
        assert_eq!(fit(&[0.0, 0.9, 1.0, 1.1, 2.0], 2, 1.0), Ok(()));
        assert_eq!(fit(&[0.0, 0.1, 0.995], 2, 1.0), Ok(()));
        // After a pause a period begins with the next start, not on a grid.
        assert_eq!(fit(&[0.0, 0.5, 5.7, 5.8, 6.7], 2, 1.0), Ok(()));
    }

    #[test]
    fn one_start_too_many_does_not_fit() {
        assert_eq!(fit(&[0.0, 0.1, 0.2], 2, 1.0), Err(0.0));
        assert_eq!(fit(&[0.0, 0.1, 0.97], 2, 1.0), Err(0.0));
        assert_eq!(fit(&[0.0, 0.1, 1.0, 1.1, 1.9], 2, 1.0), Err(1.0));
    }

    #[test]
    fn seventh_start_of_a_period_is_a_violation() {
        let mut history = History::default();
        for number in 0..7 {
            let id = format!("msg_{number}");
            add_delivered(&mut history, &id, 100.0 + f64::from(number) / 10.0);
            history.messages.get_mut(&id).expect("sample").limits = vec!["flow:rate".to_owned()];
        }
        assert_eq!(kinds(&check(&history)), ["rate"]);
    }
}
