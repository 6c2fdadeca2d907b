//! The few calls to AWS that sigpost makes itself, and the signature they and pushes may carry.
//!
//! No SDK: four megabytes a function for three calls, each of which is one signed POST with one JSON
//! answer. What drives EventBridge uses the SDK.

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
use credentials::CredentialSource;
use endpoint::endpoint;
pub use push_signer::PushSigner;
use sigv4::ToSign;

/// How long one call may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// An account in a region, as this process may use it.
pub struct Aws {
    /// Made when it is needed: who only signs does not wait for it.
    http: OnceLock<reqwest::Client>,
    region: String,
    credentials: CredentialSource,
    /// Where every service is, if not where the environment says.
    endpoint: Option<Url>,
}

impl Aws {
    /// From `AWS_REGION` (or `AWS_DEFAULT_REGION`), and credentials from `AWS_ACCESS_KEY_ID`,
    /// `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`, as Lambda sets them; where these are not set,
    /// from the endpoint that ECS and EKS name in `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` or
    /// `AWS_CONTAINER_CREDENTIALS_FULL_URI`. Calls nobody yet.
    ///
    /// # Errors
    ///
    /// The variable that is missing, by its name.
    pub fn from_env() -> Result<Self> {
        let region = match env::var("AWS_REGION")? {
            Some(region) => region,
            None => env::var("AWS_DEFAULT_REGION")?.context("AWS_REGION is not set")?,
        };
        Ok(Self { http: OnceLock::new(), region, credentials: CredentialSource::from_env()?, endpoint: None })
    }

    /// With these credentials, and every service at this endpoint. For tests.
    pub fn at(endpoint: Url, region: &str, access_key_id: &str, secret_access_key: &str) -> Self {
        let credentials = CredentialSource::fixed(access_key_id, secret_access_key);
        Self { http: OnceLock::new(), region: region.to_owned(), credentials, endpoint: Some(endpoint) }
    }

    /// Invokes a function with a JSON event, and does not wait for what comes of it. The endpoint is
    /// Lambda's in the region, or `AWS_ENDPOINT_URL_LAMBDA`, or `AWS_ENDPOINT_URL`.
    ///
    /// # Errors
    ///
    /// Lambda cannot be reached or does not accept the event.
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
                bail!("Lambda does not accept the event for {function_name}: {}", refusal(status, response).await)
            }
        }
    }

    /// Signs a request to a service as this account's, such as one to a Function URL (`lambda`).
    ///
    /// # Errors
    ///
    /// There are no credentials; or the body is a stream, which cannot be signed.
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
        answer.map_err(|why| anyhow::anyhow!("no answer from {host}: {}", with_causes(why.to_string(), &why)))
    }
}

/// What AWS says about a call that it refuses: the error's name and its message, never what was sent.
async fn refusal(status: reqwest::StatusCode, response: Response) -> String {
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

/// The host of a request's URL with its port, as it is in the `Host` header.
fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
