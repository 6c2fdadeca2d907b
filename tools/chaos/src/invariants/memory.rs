//! The resident memory of each process stays bounded.

use super::Violation;
use crate::history::History;

const MOST_BYTES: u64 = 300 << 20;

pub(super) fn check(history: &History) -> Vec<Violation> {
    let last = history.memory.iter().map(|memory| memory.process).max();
    let processes = 0..last.map_or(0, |last| last + 1);
    let largest = processes.filter_map(|process| {
        history.memory.iter().filter(|memory| memory.process == process).max_by_key(|memory| memory.bytes)
    });
    let too_large = largest.filter(|memory| memory.bytes > MOST_BYTES);
    too_large
        .map(|memory| {
            let details = format!("process {} uses {} MiB", memory.process, memory.bytes >> 20);
            Violation::new("memory", memory.at, details)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::sample::kinds;
    use super::check;
    use crate::history::{History, Memory};

    #[test]
    fn process_above_the_bound_is_a_violation() {
        let memory = |process, mib: u64| Memory { process, at: 100.0, bytes: mib << 20 };
        let history = History { memory: vec![memory(0, 299), memory(1, 301), memory(1, 400)], ..History::default() };
        assert_eq!(kinds(&check(&history)), ["memory"]);
    }
}
