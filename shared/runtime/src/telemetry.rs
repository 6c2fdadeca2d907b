//! Logs: one line per event on stderr, for people or as JSON. `RUST_LOG` filters (default `info`).
//!
//! What is in a payload, a token, a key or somebody's address is in no line of ours, whatever the filter. Some
//! of what we depend on writes requests and statements with all that is in them when it is asked to: never is.

use std::io::IsTerminal;

use anyhow::{Result, anyhow};
use tracing_subscriber::EnvFilter;

use crate::env;

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people at a terminal.
    Text,
    /// One JSON object a line, for collectors. What Lambda functions use.
    Json,
}

impl LogFormat {
    /// JSON in Lambda or when `LOG_FORMAT=json`, else text.
    pub fn from_env() -> Self {
        let asked = std::env::var("LOG_FORMAT").is_ok_and(|format| format == "json");
        if env::in_lambda() || asked { Self::Json } else { Self::Text }
    }
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
