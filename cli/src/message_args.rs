//! Body and delivery options of a message, for `publish` and `schedules create`.

use anyhow::{Context, Result};
use clap::Args;
use sigpost_client::NewMessage;

use crate::input;

/// Body and delivery options of a message.
#[derive(Debug, Args)]
pub(crate) struct MessageArgs {
    /// Body: a text, `@file`, or `-` for standard input. JSON unless --content-type is given.
    #[arg(long, default_value = "")]
    body: String,
    /// Content-Type of the body.
    #[arg(long, default_value = "application/json")]
    content_type: String,
    /// HTTP method of the delivery: GET, POST, PUT, DELETE or PATCH (default POST).
    #[arg(long, value_name = "METHOD")]
    method: Option<String>,
    /// Delay of the first attempt, e.g. `10s`, `1h30m`.
    #[arg(long, value_name = "DURATION")]
    delay: Option<String>,
    /// Maximum number of retries after the first attempt (default 3).
    #[arg(long, value_name = "N")]
    retries: Option<u32>,
    /// Retry delay in milliseconds, as an expression of `retried`, e.g. `1000 * pow(2, retried)`.
    #[arg(long, value_name = "EXPRESSION")]
    retry_delay: Option<String>,
    /// Timeout of one attempt, e.g. `30s`.
    #[arg(long, value_name = "DURATION")]
    timeout: Option<String>,
    /// Labels, separated by commas.
    #[arg(long, value_name = "LABELS")]
    label: Option<String>,
    /// Report every attempt to this URL.
    #[arg(long, value_name = "URL")]
    callback: Option<String>,
    /// Report the final failure to this URL.
    #[arg(long, value_name = "URL")]
    failure_callback: Option<String>,
    /// Header of the delivery, `Name: value`. May be repeated.
    #[arg(long = "header", short = 'H', value_name = "NAME: VALUE")]
    headers: Vec<String>,
}

impl MessageArgs {
    /// Reads the body and returns the message.
    pub(crate) fn message(self) -> Result<NewMessage> {
        let mut message = NewMessage {
            body: input::read("--body", &self.body)?.into(),
            content_type: Some(self.content_type),
            method: self.method,
            delay: self.delay,
            retries: self.retries,
            retry_delay: self.retry_delay,
            timeout: self.timeout,
            label: self.label,
            callback: self.callback,
            failure_callback: self.failure_callback,
            ..NewMessage::default()
        };
        for header in &self.headers {
            let (name, value) =
                header.split_once(':').with_context(|| format!("--header {header:?}: expected `Name: value`"))?;
            message.forward(name.trim(), value.trim());
        }
        Ok(message)
    }
}
