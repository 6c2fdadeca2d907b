//! Logs: one line per event on stderr, for people or as JSON. `RUST_LOG` filters (default `info`).
//!
//! What is in a payload, a token, a key or somebody's address is in no line of ours, whatever the filter. Some
//! of what we depend on writes requests and statements with all that is in them when it is asked to: never is.

use std::io::IsTerminal;

use anyhow::{Result, anyhow, bail};
use tracing_subscriber::EnvFilter;

use crate::{Reading, env};

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people at a terminal.
    Text,
    /// One JSON object a line, for collectors. What Lambda functions use.
    Json,
}

impl LogFormat {
    /// JSON in Lambda or when `LOG_FORMAT=json`, else text. Any other value counts as text here and
    /// is rejected with the other settings, by [`Reading::of_process`].
    pub fn from_env() -> Self {
        let asked = env::var("LOG_FORMAT").ok().flatten().and_then(|text| Self::parse(&text).ok());
        if env::in_lambda() { Self::Json } else { asked.unwrap_or(Self::Text) }
    }

    fn parse(text: &str) -> Result<Self> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => bail!("LOG_FORMAT={text:?} is no format, expected text or json"),
        }
    }
}

/// Notes what is wrong with `LOG_FORMAT` and `RUST_LOG`.
pub(crate) fn check(reading: &mut Reading) {
    reading.checked("LOG_FORMAT", LogFormat::parse);
    reading.checked("RUST_LOG", |text| {
        let expected = "a level (error, warn, info, debug, trace, off) or a list such as info,dispatch=debug";
        EnvFilter::try_new(text).map_err(|_| anyhow!("RUST_LOG={text:?} is no filter, expected {expected}"))
    });
}

/// What writes secrets at these levels: statements with their parameters, headers, bodies.
const TALKATIVE: [&str; 9] =
    ["tokio_postgres", "hyper", "hyper_util", "reqwest", "h2", "rustls", "aws", "lambda_runtime", "opentelemetry"];

/// Installs the process's subscriber. Once per process.
pub fn init(format: LogFormat) -> Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let filter = TALKATIVE.iter().fold(filter, |filter, name| match format!("{name}=info").parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    });
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => builder.with_target(false).with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(false).try_init(),
    }
    .map_err(|why| anyhow!("the log subscriber cannot be installed: {why}"))
}
