//! Calls in the protocol "AWS JSON 1.1", which SSM and Secrets Manager use.

use std::time::Duration;

use anyhow::{Result, bail};
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Request};
use serde_json::Value;
use tokio::time::sleep;

use super::{Aws, rejection};

/// Pauses before the retries of a call that failed in transit or was throttled.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(400)];

impl Aws {
    /// Calls an idempotent operation, such as `AmazonSSM.GetParameters`.
    pub(crate) async fn call(&self, service: &str, operation: &'static str, input: &Value) -> Result<Value> {
        let mut pauses = PAUSES.into_iter();
        loop {
            let (rejected, passes) = match self.try_call(service, operation, input).await {
                Ok(response) if response.status().is_success() => return Ok(response.json().await?),
                Ok(response) => {
                    let status = response.status();
                    let text = rejection(status, response).await;
                    let passes = status.is_server_error() || status.as_u16() == 429 || text.contains("Throttling");
                    (anyhow::anyhow!(text), passes)
                }
                Err(why) => (why, true),
            };
            match pauses.next().filter(|_| passes) {
                Some(pause) => sleep(pause).await,
                None => bail!(rejected),
            }
        }
    }

    async fn try_call(&self, service: &str, operation: &'static str, input: &Value) -> Result<reqwest::Response> {
        let mut request = Request::new(Method::POST, self.endpoint(service)?);
        let headers = request.headers_mut();
        headers.insert("x-amz-target", HeaderValue::from_static(operation));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"));
        *request.body_mut() = Some(serde_json::to_vec(input)?.into());
        self.send(service, request).await
    }
}
