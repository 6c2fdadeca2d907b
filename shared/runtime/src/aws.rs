//! The few calls to AWS that sigpost makes without an SDK, and the signature of these calls and of deliveries.
//!
//! The SDK adds four megabytes to each function, for three calls, each of which is one signed POST with one JSON
//! response. The code for EventBridge uses the SDK.

mod credentials;
mod endpoint;
mod json_call;
mod push_signer;
mod sigv4;

use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use reqwest::{Method, Request, Response, Url};

use crate::causes::with_causes;
use crate::env;
use crate::settings::{AWS_DEFAULT_REGION, AWS_REGION};
use credentials::CredentialSource;
use endpoint::endpoint;
pub use push_signer::PushSigner;
use sigv4::ToSign;

/// Timeout of one call.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// Credentials, region and client for calls to AWS.
pub struct Aws {
    /// Created on first use: signing does not need it.
    http: OnceLock<reqwest::Client>,
    region: String,
    credentials: CredentialSource,
    /// The endpoint of every service, in place of those from the environment.
    endpoint: Option<Url>,
}

impl Aws {
    /// Reads `AWS_REGION` (or `AWS_DEFAULT_REGION`), and credentials from `AWS_ACCESS_KEY_ID`,
    /// `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`, as Lambda sets them; without these, from the endpoint that
    /// ECS and EKS name in `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` or `AWS_CONTAINER_CREDENTIALS_FULL_URI`. Makes no
    /// request yet.
    ///
    /// # Errors
    ///
    /// Names the variable that is missing.
    pub fn from_env() -> Result<Self> {
        let region = match env::var(AWS_REGION)? {
            Some(region) => region,
            None => env::var(AWS_DEFAULT_REGION)?.context("AWS_REGION is not set")?,
        };
        Ok(Self { http: OnceLock::new(), region, credentials: CredentialSource::from_env()?, endpoint: None })
    }

    /// Returns a client with these credentials that uses one endpoint for every service. For tests.
    pub fn at(endpoint: Url, region: &str, access_key_id: &str, secret_access_key: &str) -> Self {
        let credentials = CredentialSource::fixed(access_key_id, secret_access_key);
        Self { http: OnceLock::new(), region: region.to_owned(), credentials, endpoint: Some(endpoint) }
    }

    /// Invokes a function asynchronously with a JSON event. The endpoint is Lambda's in the region, or
    /// `AWS_ENDPOINT_URL_LAMBDA`, or `AWS_ENDPOINT_URL`.
    ///
    /// # Errors
    ///
    /// Lambda cannot be reached or rejects the event.
    pub async fn invoke(&self, function_name: &str, event: &serde_json::Value) -> Result<()> {
        let mut url = self.endpoint("lambda")?;
        url.set_path(&format!("/2015-03-31/functions/{function_name}/invocations"));
        let mut request = Request::new(Method::POST, url);
        request.headers_mut().insert("x-amz-invocation-type", reqwest::header::HeaderValue::from_static("Event"));
        *request.body_mut() = Some(serde_json::to_vec(event)?.into());
        let response = self.send("lambda", request).await?;
        match response.status() {
            status if status.is_success() => Ok(()),
            status => {
                bail!("Lambda rejected the event for {function_name}: {}", rejection(status, response).await)
            }
        }
    }

    /// Signs a request to a service with these credentials, such as one to a Function URL (`lambda`).
    ///
    /// # Errors
    ///
    /// Credentials are missing; or the body is a stream, which cannot be signed.
    pub async fn sign(&self, service: &str, request: &mut Request) -> Result<()> {
        let mut headers = std::mem::take(request.headers_mut());
        let body = match request.body() {
            None => &[][..],
            Some(body) => body.as_bytes().context("a stream cannot be signed")?,
        };
        let to_sign = ToSign { method: request.method(), url: request.url(), headers: &mut headers, body };
        self.sign_parts(service, to_sign).await?;
        *request.headers_mut() = headers;
        Ok(())
    }

    async fn sign_parts(&self, service: &str, request: ToSign<'_>) -> Result<()> {
        let credentials = self.credentials.credentials(|| self.http()).await?;
        sigv4::sign(request, service, &self.region, credentials, SystemTime::now())
    }

    fn http(&self) -> Result<&reqwest::Client> {
        if let Some(client) = self.http.get() {
            return Ok(client);
        }
        let client = reqwest::Client::builder().no_proxy().timeout(CALL_TIMEOUT).build();
        let client = client.context("the HTTP client for AWS cannot be built")?;
        Ok(self.http.get_or_init(|| client))
    }

    fn endpoint(&self, service: &str) -> Result<Url> {
        self.endpoint.clone().map_or_else(|| endpoint(service, &self.region), Ok)
    }

    /// Signs and sends a request.
    async fn send(&self, service: &str, mut request: Request) -> Result<Response> {
        self.sign(service, &mut request).await?;
        let host = request.url().host_str().unwrap_or_default().to_owned();
        let answer = self.http()?.execute(request).await.map_err(reqwest::Error::without_url);
        answer.map_err(|why| anyhow::anyhow!("no response from {host}: {}", with_causes(why.to_string(), &why)))
    }
}

/// Returns the error's name and message from AWS's response, never the request's content.
async fn rejection(status: reqwest::StatusCode, response: Response) -> String {
    let named = response.headers().get("x-amzn-errortype").and_then(|name| name.to_str().ok()).map(str::to_owned);
    let body: serde_json::Value = response.json().await.unwrap_or_default();
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let name = named.unwrap_or_else(|| text("__type"));
    // `com.amazonaws.ssm#ThrottlingException`, `ThrottlingException:http://internal.amazon.com/...`
    let name = name.rsplit('#').next().and_then(|name| name.split(':').next()).unwrap_or_default();
    let message = if body["message"].is_string() { text("message") } else { text("Message") };
    let name = if name.is_empty() { status.as_str() } else { name };
    format!("{name} {message}").trim_end().to_owned()
}

/// Returns the host of a request's URL with its port, as in the `Host` header.
fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
