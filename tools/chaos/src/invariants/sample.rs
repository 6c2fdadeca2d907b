//! Histories for tests of the invariants.

use crate::history::{Arrival, Disruption, Effect, Event, History, Message};

use super::Violation;

/// A message that was delivered by its first attempt, and what the sink recorded of it.
pub(super) fn delivered() -> History {
    let mut history = History { lease: 6.0, ..History::default() };
    add_delivered(&mut history, "msg_1", 100.0);
    history
}

/// Adds a message that starts at this time and is delivered 0.1 s later, by process 0.
pub(super) fn add_delivered(history: &mut History, id: &str, at: f64) {
    let message = Message {
        kind: "plain".to_owned(),
        state: "delivered".to_owned(),
        deliveries: 1,
        retries: 3,
        created: at,
        finished: Some(at + 0.1),
        events: vec![
            event(at, "CREATED"),
            event(at, "ACTIVE"),
            Event { status: Some(200), ..event(at + 0.1, "DELIVERED") },
        ],
        ..Message::default()
    };
    history.messages.insert(id.to_owned(), message);
    history.arrivals.push(arrival(id, 0, at, 200));
}

pub(super) fn event(at: f64, state: &str) -> Event {
    Event { at, state: state.to_owned(), status: None }
}

/// An attempt by process 0 that the sink responded to after 0.05 s.
pub(super) fn arrival(message: &str, retried: i32, began: f64, status: u16) -> Arrival {
    Arrival {
        message: message.to_owned(),
        retried,
        process: Some(0),
        is_signed: true,
        began,
        ended: Some(began + 0.05),
        status: Some(status),
        report: None,
    }
}

pub(super) fn disruption(effect: Effect, process: Option<usize>, from: f64, until: f64) -> Disruption {
    Disruption { fault: "made", process, effect, from, until }
}

/// The kinds of violations, in order.
pub(super) fn kinds(violations: &[Violation]) -> Vec<&'static str> {
    violations.iter().map(|violation| violation.kind).collect()
}
