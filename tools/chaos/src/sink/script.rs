//! The responses of the sink: the URL's query has a script with one entry per attempt, the last of which repeats.

use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Status(u16),
    /// The connection is closed without a response.
    Close,
    /// The connection is closed within the response.
    Half,
    /// No response.
    Hang,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) ending: Ending,
    pub(super) hold: Duration,
}

/// Returns the step for the attempt with this number of retries. Entries are `status.milliseconds`; `close`, `half` and
/// `hang` replace the status.
pub(super) fn step(query: &str, retried: i32) -> Step {
    let script = query.split('&').find_map(|part| part.strip_prefix("responses=")).unwrap_or("200.0");
    let entries: Vec<&str> = script.split(',').collect();
    let position = usize::try_from(retried).unwrap_or(0).min(entries.len() - 1);
    let (ending, hold) = entries[position].split_once('.').unwrap_or((entries[position], "0"));
    let ending = match ending {
        "close" => Ending::Close,
        "half" => Ending::Half,
        "hang" => Ending::Hang,
        status => Ending::Status(status.parse().unwrap_or(500)),
    };
    Step { ending, hold: Duration::from_millis(hold.parse().unwrap_or(0)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_entry_of_a_script_repeats() {
        let at = |retried| step("responses=close.0,500.20,200.5&wanted=delivered", retried);
        assert_eq!(at(0), Step { ending: Ending::Close, hold: Duration::ZERO });
        assert_eq!(at(1), Step { ending: Ending::Status(500), hold: Duration::from_millis(20) });
        assert_eq!(at(2), Step { ending: Ending::Status(200), hold: Duration::from_millis(5) });
        assert_eq!(at(9), at(2));
    }
}
