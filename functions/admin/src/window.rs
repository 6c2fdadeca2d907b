//! The query parameter `window`.

use std::time::Duration;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde::Deserialize;
use sigpost_qstash::{Invalid, parse_duration};
use sigpost_runtime::ApiError;
use sigpost_store::metrics::Window;

/// Default window of job health.
pub(crate) const HOUR: Duration = Duration::from_secs(3600);
/// Default window of metrics and statistics.
pub(crate) const DAY: Duration = Duration::from_secs(86_400);

const SHORTEST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(7 * 86_400);

/// `?window=1h`: a duration in the format of QStash's headers, from a minute to a week.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct WindowQuery {
    window: Option<String>,
}

impl WindowQuery {
    pub(crate) fn window(&self, default: Duration) -> Result<Window, Invalid> {
        let Some(text) = &self.window else { return Ok(Window::new(default)) };
        let window = parse_duration("window", text)?;
        if (SHORTEST..=LONGEST).contains(&window) {
            return Ok(Window::new(window));
        }
        Err(Invalid::got("window", "must be 1m to 7d", text))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for WindowQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Query::from_request_parts(parts, state).await {
            Ok(Query(query)) => Ok(query),
            Err(_) => Err(Invalid::new("window", "must be given once").into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn window_is_the_default_unless_asked_otherwise() {
        let seconds = |text: Option<&str>| {
            let query = WindowQuery { window: text.map(str::to_owned) };
            query.window(HOUR).ok().map(|window| window.length().as_secs())
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
