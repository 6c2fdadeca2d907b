//! What a message is, and how it is delivered: the same for one that is published and for those of a schedule.

use anyhow::{Context, Result};
use clap::Args;
use reqwest::RequestBuilder;
use reqwest::header::{HeaderName, HeaderValue};

use crate::input;

/// The message and its options.
#[derive(Debug, Args)]
pub(crate) struct MessageArgs {
    /// The body: a text, `@file`, or `-` for standard input. JSON unless --content-type says otherwise.
    #[arg(long, default_value = "")]
    body: String,
    /// The body's Content-Type.
    #[arg(long, default_value = "application/json")]
    content_type: String,
    /// The method of the delivery.
    #[arg(long, value_name = "METHOD")]
    method: Option<String>,
    /// Deliver after this long, e.g. `10s`, `1h30m`.
    #[arg(long, value_name = "DURATION")]
    delay: Option<String>,
    /// Attempts after the first (default 3).
    #[arg(long, value_name = "N")]
    retries: Option<u32>,
    /// Milliseconds between attempts, as an expression of `retried`, e.g. `1000 * pow(2, retried)`.
    #[arg(long, value_name = "EXPRESSION")]
    retry_delay: Option<String>,
    /// How long one attempt may take, e.g. `30s`.
    #[arg(long, value_name = "DURATION")]
    timeout: Option<String>,
    /// Labels for filters, separated by commas.
    #[arg(long, value_name = "LABELS")]
    label: Option<String>,
    /// Report every attempt to this URL.
    #[arg(long, value_name = "URL")]
    callback: Option<String>,
    /// Report the final failure to this URL.
    #[arg(long, value_name = "URL")]
    failure_callback: Option<String>,
    /// A header for the destination, `Name: value`; may be repeated.
    #[arg(long = "header", short = 'H', value_name = "NAME: VALUE")]
    headers: Vec<String>,
}

impl MessageArgs {
    /// The request with the body, and the options as headers.
    pub(crate) fn add_to(&self, request: RequestBuilder) -> Result<RequestBuilder> {
        let mut request = request.header("Content-Type", &self.content_type).body(input::read("--body", &self.body)?);
        let retries = self.retries.map(|retries| retries.to_string());
        for (name, value) in [
            ("Upstash-Method", &self.method),
            ("Upstash-Delay", &self.delay),
            ("Upstash-Retries", &retries),
            ("Upstash-Retry-Delay", &self.retry_delay),
            ("Upstash-Timeout", &self.timeout),
            ("Upstash-Label", &self.label),
            ("Upstash-Callback", &self.callback),
            ("Upstash-Failure-Callback", &self.failure_callback),
        ] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        for header in &self.headers {
            let (name, value) =
                header.split_once(':').with_context(|| format!("--header {header:?}: write it as `Name: value`"))?;
            let (name, value) = (name.trim(), value.trim());
            let forwarded = HeaderName::try_from(format!("Upstash-Forward-{name}"))
                .with_context(|| format!("--header {header:?}: {name:?} is no name of a header"))?;
            let value = HeaderValue::try_from(value)
                .with_context(|| format!("--header {header:?}: the value has a control character"))?;
            request = request.header(forwarded, value);
        }
        Ok(request)
    }
}
