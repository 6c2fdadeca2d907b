//! Invariants of a round, as pure functions of its history.

mod accepted;
mod callbacks;
mod deduplication;
mod keys;
mod log;
mod memory;
mod outcomes;
mod publishes;
mod queues;
mod rates;
mod readiness;
mod repeats;
#[cfg(test)]
mod sample;
mod schedules;

pub(crate) use callbacks::{CALLBACK as KIND_CALLBACK, FAILURE_CALLBACK as KIND_FAILURE_CALLBACK};
pub(crate) use deduplication::KIND as KIND_DEDUPLICATED;

use crate::history::History;

/// Violation of an invariant.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Violation {
    pub(crate) kind: &'static str,
    /// Time, if known.
    pub(crate) at: Option<f64>,
    pub(crate) details: String,
}

impl Violation {
    pub(crate) fn new(kind: &'static str, at: impl Into<Option<f64>>, details: String) -> Self {
        Self { kind, at: at.into(), details }
    }
}

/// Returns all violations of a round after its drain.
pub(crate) fn check(history: &History) -> Vec<Violation> {
    let groups = [
        accepted::check,
        log::check,
        deduplication::check,
        callbacks::check,
        outcomes::check,
        repeats::check,
        queues::check,
        keys::check,
        rates::check,
        schedules::check,
        publishes::check,
        readiness::check,
        memory::check,
    ];
    groups.iter().flat_map(|group| group(history)).collect()
}
