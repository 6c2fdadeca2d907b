//! Records of the tool: faults, publishes and probes of a round.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::history::{Disruption, Effect, Memory, Probe, Publish, now};

#[derive(Clone, Default)]
pub(crate) struct Journal(Arc<Mutex<Entries>>);

#[derive(Clone, Default)]
pub(crate) struct Entries {
    pub(crate) publishes: Vec<Publish>,
    pub(crate) probes: Vec<Probe>,
    pub(crate) memory: Vec<Memory>,
    pub(crate) disruptions: Vec<Disruption>,
}

/// Disruption that has not ended.
#[must_use = "a disruption has an end"]
pub(crate) struct Begun(Disruption);

impl Journal {
    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn publish(&self, publish: Publish) {
        self.lock().publishes.push(publish);
    }

    pub(crate) fn probe(&self, probe: Probe) {
        self.lock().probes.push(probe);
    }

    pub(crate) fn memory(&self, memory: Memory) {
        self.lock().memory.push(memory);
    }

    /// Records the start of a disruption of one process, or of all.
    pub(crate) fn begin(&self, fault: &'static str, process: Option<usize>, effect: Effect) -> Begun {
        Begun(Disruption { fault, process, effect, from: now(), until: f64::INFINITY })
    }

    pub(crate) fn end(&self, begun: Begun) {
        self.lock().disruptions.push(Disruption { until: now(), ..begun.0 });
    }

    pub(crate) fn entries(&self) -> Entries {
        self.lock().clone()
    }

    pub(crate) fn clear(&self) {
        *self.lock() = Entries::default();
    }

    /// Whether each process was ready in a probe that started after this time.
    pub(crate) fn all_ready_since(&self, processes: usize, time: f64) -> bool {
        let entries = self.lock();
        let ready = |process| {
            let since = entries.probes.iter().rev().take_while(|probe| probe.ended >= time);
            let mut since = since.filter(|probe| probe.process == process && probe.began >= time);
            since.any(|probe| probe.status == Some(200))
        };
        (0..processes).all(ready)
    }
}
