//! Body and delivery options of a message, for `publish` and `schedules create`.

use anyhow::{Context, Result};
use clap::Args;
use reqwest::RequestBuilder;
use reqwest::header::{HeaderName, HeaderValue};

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
    /// Adds the body and the options, which are headers, to a request.
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
                header.split_once(':').with_context(|| format!("--header {header:?}: expected `Name: value`"))?;
            let (name, value) = (name.trim(), value.trim());
            let forwarded = HeaderName::try_from(format!("Upstash-Forward-{name}"))
                .with_context(|| format!("--header {header:?}: {name:?} is not a valid header name"))?;
            let value = HeaderValue::try_from(value)
                .with_context(|| format!("--header {header:?}: the value contains a control character"))?;
            request = request.header(forwarded, value);
        }
        Ok(request)
    }
}
