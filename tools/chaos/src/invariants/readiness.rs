//! `/readyz` is 503 within 5 s of the database freezing, and 200 within 5 s of its recovery.

use super::Violation;
use crate::history::{Disruption, History};

const WITHIN: f64 = 5.0;

pub(super) fn check(history: &History) -> Vec<Violation> {
    let last = history.probes.iter().map(|probe| probe.process).max();
    let processes = 0..last.map_or(0, |last| last + 1);
    let mut violations = Vec::new();
    for disruption in &history.disruptions {
        for process in processes.clone().filter(|process| disruption.concerns(Some(*process))) {
            violations.extend(ready_while_detached(history, disruption, process));
            violations.extend(not_recovered(history, disruption, process));
        }
    }
    violations
}

fn ready_while_detached(history: &History, disruption: &Disruption, process: usize) -> Option<Violation> {
    if !disruption.effect.is_detached() {
        return None;
    }
    let (from, until) = (disruption.from + WITHIN + history.tolerance, disruption.until);
    let probes = || history.probes.iter().filter(|probe| probe.process == process);
    let ready = probes().find(|probe| probe.began > from && probe.ended < until && probe.status == Some(200));
    // Add a round trip: a probe that was sent before the bound may end after it.
    let has_noticed =
        || probes().any(|probe| probe.ended > disruption.from && probe.ended <= from && probe.status == Some(503));
    let problem = match ready {
        Some(probe) => format!("is ready {:.1} s after", probe.began - disruption.from),
        None if until > from + 0.5 && !has_noticed() => format!("has no 503 within {WITHIN} s of"),
        None => return None,
    };
    let details = format!("process {process} {problem} the beginning of {}", disruption.fault);
    Some(Violation::new("ready without database", from, details))
}

fn not_recovered(history: &History, disruption: &Disruption, process: usize) -> Option<Violation> {
    let took = history.recovery(disruption, process);
    if took.is_some_and(|took| took <= WITHIN + history.tolerance) {
        return None;
    }
    let took = took.map_or("never".to_owned(), |took| format!("{took:.1} s after"));
    let details = format!("process {process} is ready {took} the end of {}", disruption.fault);
    Some(Violation::new("recovery", disruption.until, details))
}

#[cfg(test)]
mod tests {
    use super::super::sample::{disruption, kinds};
    use super::check;
    use crate::history::{Effect, History, Probe};

    /// A history with an unavailable database from 100 to 110, and probes with these times and statuses.
    fn probed(probes: &[(f64, u16)]) -> Vec<&'static str> {
        let probe = |(began, status): &(f64, u16)| Probe {
            process: 0,
            began: *began,
            ended: began + 0.1,
            status: Some(*status),
        };
        let history = History {
            probes: probes.iter().map(probe).collect(),
            disruptions: vec![disruption(Effect::Detached, None, 100.0, 110.0)],
            ..History::default()
        };
        kinds(&check(&history))
    }

    #[test]
    fn probe_that_follows_the_database_is_no_violation() {
        assert!(probed(&[(101.0, 200), (103.0, 503), (109.0, 503), (112.0, 200)]).is_empty());
    }

    #[test]
    fn ready_process_without_database_is_a_violation() {
        assert_eq!(probed(&[(103.0, 503), (107.0, 200), (112.0, 200)]), ["ready without database"]);
        assert_eq!(probed(&[(107.0, 503), (112.0, 200)]), ["ready without database"]);
    }

    #[test]
    fn late_and_missing_recoveries_are_violations() {
        assert_eq!(probed(&[(103.0, 503), (116.0, 200)]), ["recovery"]);
        assert_eq!(probed(&[(103.0, 503), (116.0, 503)]), ["recovery"]);
    }
}
