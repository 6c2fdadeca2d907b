//! Recorded statuses are those that the sink sent, and every request is signed.

use std::collections::{BTreeSet, HashMap};

use super::Violation;
use crate::history::{History, Message, Wanted};

pub(super) fn check(history: &History) -> Vec<Violation> {
    let mut sent: HashMap<&str, BTreeSet<Option<i32>>> = HashMap::new();
    for arrival in &history.arrivals {
        sent.entry(&arrival.message).or_default().insert(arrival.status.map(i32::from));
    }
    let nothing = BTreeSet::new();
    let mut violations = Vec::new();
    for (id, message) in &history.messages {
        let sent = sent.get(id.as_str()).unwrap_or(&nothing);
        let problems = wrong_outcomes(message, sent).into_iter();
        violations.extend(problems.map(|(at, problem)| Violation::new("outcome", at, format!("{id}: {problem}"))));
    }
    let unsigned = history.arrivals.iter().filter(|arrival| !arrival.is_signed);
    violations.extend(
        unsigned.map(|arrival| {
            Violation::new("signature", arrival.began, format!("{}: missing or invalid", arrival.message))
        }),
    );
    violations
}

fn wrong_outcomes(message: &Message, sent: &BTreeSet<Option<i32>>) -> Vec<(f64, String)> {
    let is_success = |status: &Option<i32>| status.is_some_and(|status| (200..300).contains(&status));
    let mut problems = Vec::new();
    for event in &message.events {
        match event.state.as_str() {
            "DELIVERED" if !is_success(&event.status) => {
                problems.push((event.at, format!("delivered with status {:?}", event.status)));
            }
            "ERROR" if is_success(&event.status) => {
                problems.push((event.at, format!("failed with status {:?}", event.status)));
            }
            // A cancelled request has no response that is known on both sides.
            "ERROR" if event.status.is_none() && message.wanted != Wanted::Any && sent.iter().all(is_success) => {
                problems.push((event.at, "failed, though the sink sent 2xx only".to_owned()));
            }
            _ => {}
        }
        let is_end = ["DELIVERED", "ERROR"].contains(&event.state.as_str());
        if is_end && event.status.is_some() && !sent.contains(&event.status) {
            problems.push((event.at, format!("recorded status {:?}, the sink sent {sent:?}", event.status)));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::super::sample::{delivered, event, kinds};
    use super::check;
    use crate::history::Event;

    #[test]
    fn recorded_status_of_the_sink_is_no_violation() {
        assert_eq!(check(&delivered()), []);
    }

    #[test]
    fn status_that_the_sink_did_not_send_is_a_violation() {
        let mut history = delivered();
        history.arrivals[0].status = Some(201);
        assert_eq!(kinds(&check(&history)), ["outcome"]);
    }

    #[test]
    fn failure_of_a_message_that_got_only_successes_is_a_violation() {
        let mut history = delivered();
        history.messages.get_mut("msg_1").expect("sample").events.push(event(100.05, "ERROR"));
        assert_eq!(kinds(&check(&history)), ["outcome"]);
    }

    #[test]
    fn delivery_recorded_for_a_500_is_a_violation() {
        let mut history = delivered();
        history.arrivals[0].status = Some(500);
        history.messages.get_mut("msg_1").expect("sample").events[2].status = Some(500);
        assert_eq!(kinds(&check(&history)), ["outcome"]);
    }

    #[test]
    fn error_with_the_status_of_the_sink_is_no_violation() {
        let mut history = delivered();
        history.arrivals.push(super::super::sample::arrival("msg_1", 0, 99.0, 500));
        let error = Event { status: Some(500), ..event(99.1, "ERROR") };
        history.messages.get_mut("msg_1").expect("sample").events.push(error);
        assert_eq!(check(&history), []);
    }

    #[test]
    fn request_without_a_valid_signature_is_a_violation() {
        let mut history = delivered();
        history.arrivals[0].is_signed = false;
        assert_eq!(kinds(&check(&history)), ["signature"]);
    }
}
