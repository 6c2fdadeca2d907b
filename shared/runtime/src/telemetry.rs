//! Logs: one line per event on stderr, as text or as JSON. `RUST_LOG` filters (default `info`).
//!
//! No log line contains payloads, tokens, keys or addresses of people, whatever the filter. Some dependencies log
//! requests and statements with their values at detailed levels; these targets stay limited.

use std::io::IsTerminal;
use std::str::FromStr;

use anyhow::{Result, anyhow, bail};
use tracing_subscriber::EnvFilter;

use crate::settings::{LOG_FORMAT, RUST_LOG};
use crate::{Reading, env};

/// The format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Text for a terminal.
    Text,
    /// One JSON object a line, for collectors. Lambda functions use it.
    Json,
}

impl LogFormat {
    /// Returns JSON in Lambda or with `LOG_FORMAT=json`, else text. Any other value counts as text here and is
    /// rejected with the other settings, by [`Reading::of_process`].
    pub fn from_env() -> Self {
        let asked = env::var(LOG_FORMAT).ok().flatten().and_then(|text| text.parse().ok());
        if env::in_lambda() { Self::Json } else { asked.unwrap_or_else(|| LOG_FORMAT.default_as()) }
    }
}

impl FromStr for LogFormat {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => bail!("LOG_FORMAT={text:?} is invalid, expected text or json"),
        }
    }
}

/// Records problems with `LOG_FORMAT` and `RUST_LOG`.
pub(crate) fn check(reading: &mut Reading) {
    reading.checked(LOG_FORMAT, str::parse::<LogFormat>);
    reading.checked(RUST_LOG, |text| {
        let expected = "a level (error, warn, info, debug, trace, off) or a list such as info,dispatch=debug";
        EnvFilter::try_new(text).map_err(|_| anyhow!("RUST_LOG={text:?} is invalid, expected {expected}"))
    });
}

/// Targets that log secrets at detailed levels: statements with their parameters, headers, bodies.
const TALKATIVE: [&str; 9] =
    ["tokio_postgres", "hyper", "hyper_util", "reqwest", "h2", "rustls", "aws", "lambda_runtime", "opentelemetry"];

/// Installs the log subscriber. Call it once per process.
pub fn init(format: LogFormat) -> Result<()> {
    let filter = EnvFilter::try_from_env(RUST_LOG.name).unwrap_or_else(|_| RUST_LOG.default_as());
    let filter = TALKATIVE.iter().fold(filter, |filter, name| match format!("{name}=info").parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    });
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => builder.with_target(false).with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(false).try_init(),
    }
    .map_err(|why| anyhow!("cannot install the log subscriber: {why}"))
}
