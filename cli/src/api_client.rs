//! Talking to a dispatch API, this one's or QStash's.

use anyhow::{Context, Result, bail};
use clap::Args;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use sigpost_qstash::DEV_TOKEN;

/// Where the API is, and the token for it.
#[derive(Debug, Args)]
pub(crate) struct ApiArgs {
    /// Where the API is.
    #[arg(long, env = "QSTASH_URL", default_value = "http://127.0.0.1:8080", value_name = "URL")]
    url: String,
    /// Its token. The default is the one `sigpost dev` uses.
    #[arg(long, env = "QSTASH_TOKEN", default_value = DEV_TOKEN, hide_env_values = true, hide_default_value = true)]
    token: String,
}

impl ApiArgs {
    /// A request to a path of the API, with the token.
    pub(crate) fn request(&self, method: Method, path: &str) -> Result<RequestBuilder> {
        let client = reqwest::Client::builder().build().context("the HTTP client cannot be built")?;
        Ok(client.request(method, format!("{}{path}", self.url.trim_end_matches('/'))).bearer_auth(&self.token))
    }

    /// Sends it; an answer outside 2xx is an error with the API's own words.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Value> {
        let response = request
            .send()
            .await
            .with_context(|| format!("{} does not answer; is `sigpost dev` running there?", self.url))?;
        let status = response.status();
        let text = response.text().await.context("the answer broke off")?;
        let value: Value = serde_json::from_str(&text).unwrap_or(Value::String(text));
        if !status.is_success() {
            bail!("{status}: {}", value["error"].as_str().unwrap_or("no reason given"));
        }
        Ok(value)
    }
}
