//! The tables from which events are derived. A branch of the query for positions selects the events of one step.

use sigpost_qstash::EventState;

/// A branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Branch {
    pub(super) table: &'static str,
    /// The same rows, selected by their messages.
    pub(super) by_message: &'static str,
    /// The column with the time.
    pub(super) at: &'static str,
    /// Offset in microseconds: cancellations have two events a millisecond apart.
    pub(super) later_us: i64,
    pub(super) message_id: &'static str,
    pub(super) step: &'static str,
    /// The state, as an SQL expression.
    pub(super) state: &'static str,
    pub(super) condition: &'static str,
}

const ACCEPTED: Branch = Branch {
    table: "messages",
    by_message: "messages",
    at: "created_at",
    later_us: 0,
    message_id: "id",
    step: "(case when callback_of is null then 0 else 4 end)::bigint",
    state: "'CREATED'",
    condition: "true",
};
const STARTED: Branch = Branch {
    table: "attempts",
    by_message: "attempts",
    at: "started_at",
    later_us: 0,
    message_id: "message_id",
    step: "1::bigint",
    state: "'ACTIVE'",
    condition: "started_at is not null",
};
const IN_FLIGHT: Branch = Branch {
    table: "earliest_due",
    by_message: "pending_deliveries",
    at: "leased_at",
    message_id: "id",
    condition: "leased_at is not null",
    ..STARTED
};
const ENDED: Branch = Branch {
    table: "attempts",
    by_message: "attempts",
    at: "ended_at",
    later_us: 0,
    message_id: "message_id",
    step: "2::bigint",
    state: "case outcome when 'delivered' then 'DELIVERED' when 'cancelled' then 'CANCEL_REQUESTED' else 'ERROR' end",
    condition: "outcome in ('delivered', 'retried', 'failed', 'cancelled')",
};
const RETRIED: Branch = Branch { step: "3::bigint", state: "'RETRY'", condition: "outcome = 'retried'", ..ENDED };
const FAILED: Branch = Branch { state: "'FAILED'", condition: "outcome = 'failed'", ..RETRIED };
const CANCELLED: Branch = Branch { later_us: 1000, state: "'CANCELED'", condition: "outcome = 'cancelled'", ..RETRIED };
const PAST: Branch = Branch {
    table: "past_events",
    by_message: "past_events",
    at: "at",
    later_us: 0,
    message_id: "message_id",
    step: "id + 8",
    state: "state::text",
    condition: "state <> 'CREATED'",
};

/// Returns the branches with events in these states; without states, all branches.
pub(super) fn branches(states: &[EventState]) -> Vec<Branch> {
    if states.is_empty() {
        return vec![ACCEPTED, STARTED, IN_FLIGHT, ENDED, RETRIED, FAILED, CANCELLED, PAST];
    }
    let mut branches: Vec<Branch> = states.iter().flat_map(|state| of_state(*state)).collect();
    branches.dedup();
    branches
}

/// Each branch of a rare state has one outcome, so that the index of outcomes returns its order.
fn of_state(state: EventState) -> Vec<Branch> {
    let ended = |condition| Branch { condition, ..ENDED };
    let past = |condition| Branch { condition, ..PAST };
    match state {
        EventState::Created => vec![ACCEPTED],
        EventState::Active => vec![STARTED, IN_FLIGHT, past("state = 'ACTIVE'")],
        EventState::Delivered => vec![ended("outcome = 'delivered'"), past("state = 'DELIVERED'")],
        EventState::Error => {
            vec![ended("outcome = 'retried'"), ended("outcome = 'failed'"), past("state = 'ERROR'")]
        }
        EventState::Retry => vec![RETRIED, past("state = 'RETRY'")],
        EventState::Failed => vec![FAILED, past("state = 'FAILED'")],
        EventState::CancelRequested => vec![ended("outcome = 'cancelled'"), past("state = 'CANCEL_REQUESTED'")],
        EventState::Canceled => vec![CANCELLED, past("state = 'CANCELED'")],
    }
}
