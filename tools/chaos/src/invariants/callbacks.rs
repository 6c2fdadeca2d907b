//! One callback per recorded attempt, one failure callback per failure, each with the status that the sink sent.

use std::collections::{BTreeSet, HashMap};

use super::Violation;
use crate::history::History;

/// The kinds of load that callbacks belong to.
pub(crate) const CALLBACK: &str = "callback";
pub(crate) const FAILURE_CALLBACK: &str = "failure-callback";

pub(super) fn check(history: &History) -> Vec<Violation> {
    let mut violations = counts(history);
    violations.extend(statuses(history));
    violations
}

fn counts(history: &History) -> Vec<Violation> {
    let mut stored: HashMap<(&str, &str), usize> = HashMap::new();
    for message in history.messages.values() {
        if let Some(source) = &message.callback_of {
            *stored.entry((source, &message.kind)).or_default() += 1;
        }
    }
    let mut violations = Vec::new();
    for (id, message) in history.messages.iter().filter(|(_, message)| message.is_finished()) {
        let attempts = message.count("ERROR") + message.count("DELIVERED");
        let expected = [
            (CALLBACK, message.has_callback, attempts),
            (FAILURE_CALLBACK, message.has_failure_callback, usize::from(message.state == "failed")),
        ];
        for (kind, is_wanted, expected) in expected {
            let found = stored.get(&(id.as_str(), kind)).copied().unwrap_or(0);
            if found != if is_wanted { expected } else { 0 } {
                let details = format!("{id} ({}): {found} of kind {kind} for {expected}", message.state);
                violations.push(Violation::new("callbacks", message.finished, details));
            }
        }
    }
    violations
}

/// A report must have a status that the sink sent to an attempt with as many retries; 0 is no response.
fn statuses(history: &History) -> Vec<Violation> {
    let mut sent: HashMap<(&str, i32), BTreeSet<i32>> = HashMap::new();
    for arrival in &history.arrivals {
        let status = arrival.status.map_or(0, i32::from);
        sent.entry((&arrival.message, arrival.retried)).or_default().insert(status);
    }
    let mut violations = Vec::new();
    for arrival in &history.arrivals {
        let Some(report) = &arrival.report else { continue };
        let sent = sent.get(&(report.source.as_str(), report.retried));
        // An attempt that did not connect has no response, and the sink has no record of it.
        let is_right = sent.map_or(report.status == 0, |sent| sent.contains(&report.status));
        if !is_right {
            let details = format!(
                "{} reports status {} of {} after {} retries, the sink sent {sent:?}",
                arrival.message, report.status, report.source, report.retried
            );
            violations.push(Violation::new("callback status", arrival.began, details));
        }
        let kind = history.messages.get(&arrival.message).map_or("", |message| message.kind.as_str());
        if report.has_dead_letter != (kind == FAILURE_CALLBACK) {
            let details = format!("{} ({kind}) has a dead letter: {}", arrival.message, report.has_dead_letter);
            violations.push(Violation::new("callbacks", arrival.began, details));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::super::sample::{add_delivered, delivered, kinds};
    use super::{CALLBACK, check};
    use crate::history::{History, Report};

    /// A message with a callback that was delivered.
    fn reported(status: i32) -> History {
        let mut history = delivered();
        history.messages.get_mut("msg_1").expect("sample").has_callback = true;
        add_delivered(&mut history, "msg_2", 101.0);
        let callback = history.messages.get_mut("msg_2").expect("sample");
        callback.kind = CALLBACK.to_owned();
        callback.callback_of = Some("msg_1".to_owned());
        let report = Report { source: "msg_1".to_owned(), retried: 0, status, has_dead_letter: false };
        history.arrivals[1].report = Some(report);
        history
    }

    #[test]
    fn one_callback_with_the_sent_status_is_no_violation() {
        assert_eq!(check(&reported(200)), []);
    }

    #[test]
    fn missing_and_second_callbacks_are_violations() {
        let mut history = reported(200);
        let copy = history.messages["msg_2"].clone();
        history.messages.insert("msg_3".to_owned(), copy);
        assert_eq!(kinds(&check(&history)), ["callbacks"]);
        history.messages.retain(|id, _| id == "msg_1");
        history.arrivals.truncate(1);
        assert_eq!(kinds(&check(&history)), ["callbacks"]);
    }

    #[test]
    fn missing_failure_callback_is_a_violation() {
        let mut history = delivered();
        let message = history.messages.get_mut("msg_1").expect("sample");
        message.has_failure_callback = true;
        message.state = "failed".to_owned();
        assert_eq!(kinds(&check(&history)), ["callbacks"]);
    }

    #[test]
    fn status_that_the_sink_did_not_send_is_a_violation() {
        assert_eq!(kinds(&check(&reported(500))), ["callback status"]);
        assert_eq!(kinds(&check(&reported(0))), ["callback status"]);
    }
}
