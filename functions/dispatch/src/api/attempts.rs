//! Derives the attempts of a message from its events. A pure function.

use sigpost_qstash::{Attempt, AttemptState, EventState};
use sigpost_store::events::Event;

/// Returns the attempts that a message's events describe, both oldest first.
///
/// An attempt begins with ACTIVE and ends with DELIVERED, ERROR or CANCELED. If another ACTIVE follows instead, the
/// result is unknown: the dispatcher stopped or crashed during the attempt, and the destination may or may not have
/// received the request.
pub(crate) fn attempts(events: &[Event]) -> Vec<Attempt> {
    let mut attempts: Vec<Attempt> = Vec::new();
    for event in events {
        let running = attempts.last_mut().filter(|attempt| attempt.state == AttemptState::Active);
        match (event.state, running) {
            (EventState::Active, running) => {
                if let Some(lost) = running {
                    lost.state = AttemptState::Error;
                    lost.error = Some("the dispatcher stopped before it recorded a result".to_owned());
                }
                let number = u32::try_from(attempts.len() + 1).unwrap_or(u32::MAX);
                attempts.push(begun(number, event.at_ms));
            }
            (EventState::Delivered, Some(running)) => end(running, AttemptState::Delivered, event),
            (EventState::Error, Some(running)) => end(running, AttemptState::Error, event),
            (EventState::Canceled, Some(running)) => end(running, AttemptState::Canceled, event),
            (EventState::Retry, None) => {
                if let Some(last) = attempts.last_mut() {
                    last.next_delivery_time = event.next_delivery_at_ms;
                }
            }
            _ => {}
        }
    }
    attempts
}

fn begun(attempt: u32, started_at: i64) -> Attempt {
    Attempt {
        attempt,
        started_at,
        ended_at: None,
        state: AttemptState::Active,
        response_status: None,
        response_header: Default::default(),
        response_body: Default::default(),
        error: None,
        next_delivery_time: None,
    }
}

fn end(attempt: &mut Attempt, state: AttemptState, event: &Event) {
    attempt.state = state;
    attempt.ended_at = Some(event.at_ms);
    attempt.error.clone_from(&event.error);
    if let Some(response) = &event.response {
        attempt.response_status = Some(response.status);
        attempt.response_header = response.header.clone();
        attempt.response_body = response.body.clone();
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use sigpost_qstash::{Headers, MessageId, Method};
    use sigpost_store::messages::{Extras, Message, MessageState, StoredMessage};
    use sigpost_store::record::Response;

    use super::*;

    /// A log: the states with the time as their index.
    fn log(states: &[EventState]) -> Vec<Event> {
        let message = Message {
            id: MessageId::new(),
            url: "https://example.com".to_owned(),
            method: Method::Post,
            header: Headers::default(),
            body: Bytes::new(),
            retries: 3,
            timeout: None,
            retry_delay: None,
            callback: None,
            failure_callback: None,
            labels: Vec::new(),
            caller_ip: None,
            callback_of: None,
            extras: Extras::default(),
        };
        let message =
            StoredMessage { message, state: MessageState::Pending, retried: 0, created_at_ms: 0, not_before_ms: 0 };
        let event = |(at_ms, state): (i64, &EventState)| Event {
            at_ms,
            id: at_ms,
            state: *state,
            response: matches!(state, EventState::Error | EventState::Delivered).then(|| Response {
                status: if *state == EventState::Error { 500 } else { 200 },
                header: Headers::default(),
                body: Bytes::from_static(b"answer"),
            }),
            error: (*state == EventState::Error).then(|| "why".to_owned()),
            next_delivery_at_ms: (*state == EventState::Retry).then_some(99),
            message: message.clone(),
        };
        (0..).zip(states).map(event).collect()
    }

    /// Number, start, end, state, status and whether there is an error.
    type Told = (u32, i64, Option<i64>, AttemptState, Option<u16>, bool);

    fn told(states: &[EventState]) -> Vec<Told> {
        attempts(&log(states))
            .into_iter()
            .map(|a| (a.attempt, a.started_at, a.ended_at, a.state, a.response_status, a.error.is_some()))
            .collect()
    }

    use EventState::{Active, CancelRequested, Canceled, Created, Delivered, Error, Failed, Retry};

    #[test]
    fn each_attempt_has_its_start_its_end_and_its_answer() {
        assert_eq!(told(&[]), []);
        assert_eq!(told(&[Created]), []);
        assert_eq!(told(&[Created, Active]), [(1, 1, None, AttemptState::Active, None, false)]);
        assert_eq!(
            told(&[Created, Active, Error, Retry, Active, Delivered]),
            [
                (1, 1, Some(2), AttemptState::Error, Some(500), true),
                (2, 4, Some(5), AttemptState::Delivered, Some(200), false)
            ]
        );
        let failed = attempts(&log(&[Created, Active, Error, Retry, Active, Error, Failed]));
        assert_eq!(failed.iter().map(|attempt| attempt.next_delivery_time).collect::<Vec<_>>(), [Some(99), None]);
        assert_eq!(failed[1].response_body, "answer");
    }

    #[test]
    fn lost_lease_is_an_attempt_without_an_end() {
        assert_eq!(
            told(&[Created, Active, Active, Delivered]),
            [(1, 1, None, AttemptState::Error, None, true), (2, 2, Some(3), AttemptState::Delivered, Some(200), false)]
        );
    }

    #[test]
    fn only_an_attempt_in_flight_is_cancelled_with_its_message() {
        assert_eq!(
            told(&[Created, Active, CancelRequested, Canceled]),
            [(1, 1, Some(3), AttemptState::Canceled, None, false)]
        );
        assert_eq!(
            told(&[Created, Active, Error, Retry, CancelRequested, Canceled]),
            [(1, 1, Some(2), AttemptState::Error, Some(500), true)]
        );
        assert_eq!(told(&[Created, CancelRequested, Canceled]), []);
    }

    #[test]
    fn a_log_whose_beginning_is_gone_tells_what_it_still_has() {
        assert_eq!(told(&[Error, Retry, Active, Delivered]).len(), 1);
    }
}
