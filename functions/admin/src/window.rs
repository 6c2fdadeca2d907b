//! Over how long a time the runs are counted.

use std::time::Duration;

use serde::Deserialize;
use sigpost_qstash::{Invalid, parse_duration};

const DEFAULT: Duration = Duration::from_secs(3600);
const SHORTEST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(7 * 86_400);

/// `?window=1h`, in the durations of QStash's headers. Default an hour; a minute to a week.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct WindowQuery {
    window: Option<String>,
}

impl WindowQuery {
    pub(crate) fn window(&self) -> Result<Duration, Invalid> {
        let Some(text) = &self.window else { return Ok(DEFAULT) };
        let window = parse_duration("window", text)?;
        if (SHORTEST..=LONGEST).contains(&window) {
            return Ok(window);
        }
        Err(Invalid::new("window", "must be 1m to 7d"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn window_is_an_hour_unless_asked_otherwise() {
        let seconds = |text: Option<&str>| {
            WindowQuery { window: text.map(str::to_owned) }.window().ok().map(|window| window.as_secs())
        };
        assert_eq!(seconds(None), Some(3600));
        assert_eq!(seconds(Some("1m")), Some(60));
        assert_eq!(seconds(Some("1d12h")), Some(129_600));
        assert_eq!(seconds(Some("7d")), Some(604_800));
        for wrong in ["59s", "7d1s", "", "x", "-5m"] {
            assert_eq!(seconds(Some(wrong)), None, "{wrong}");
        }
    }
}
