//! Clients of the dispatch API (sigpost's or QStash's) and of the admin API.

mod address;
mod named;

use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use reqwest::header::LINK;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::Value;
use sigpost_qstash::DEV_TOKEN;
use sigpost_qstash::next_page::query_of_link;
use sigpost_runtime::Aws;
use sigpost_runtime::settings::{ADMIN_IAM, ADMIN_TOKEN, ADMIN_URL, QSTASH_TOKEN, QSTASH_URL, Setting, bearer};

pub(crate) use self::address::{destination, with_query, with_segment};
use crate::table::harmless;

/// Request timeout. The slowest request is a batch of 100 retries.
const PATIENCE: Duration = Duration::from_secs(60);

/// URL of the deployment.
#[derive(Debug, Args)]
pub(crate) struct UrlArgs {
    /// URL of the API.
    #[arg(long, env = QSTASH_URL.name, default_value = QSTASH_URL.default_text("CLI"), value_name = "URL")]
    url: String,
}

/// URL and token of the API, and the output format.
#[derive(Debug, Args)]
pub(crate) struct ApiArgs {
    #[command(flatten)]
    at: UrlArgs,
    /// Token of the API. The default is the token of `sigpost dev`.
    #[arg(long, env = QSTASH_TOKEN.name, default_value = DEV_TOKEN, hide_env_values = true, hide_default_value = true)]
    token: String,
    /// Print the response of the API as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// URL and credentials of the admin API.
#[derive(Debug, Args)]
pub(crate) struct AdminArgs {
    /// URL of the admin API, if it differs from the URL of the API. On AWS it is a separate function.
    #[arg(long, env = ADMIN_URL.name, value_name = "URL")]
    admin_url: Option<String>,
    /// Token of the admin API. The default is the token of `sigpost dev`.
    #[arg(long, env = ADMIN_TOKEN.name, default_value = DEV_TOKEN, hide_env_values = true, hide_default_value = true)]
    admin_token: String,
    /// Sign requests to the admin API with the AWS credentials of the environment (AWS_REGION,
    /// AWS_ACCESS_KEY_ID and so on) and send no token, for an admin function with AdminAuth=AWS_IAM.
    #[arg(long, env = ADMIN_IAM.name)]
    admin_iam: bool,
}

impl ApiArgs {
    /// Creates a client of the API.
    pub(crate) fn open(&self) -> Result<Api> {
        Api::new(&self.at.url, token(QSTASH_TOKEN, &self.token)?)
    }

    /// Returns the URL arguments.
    pub(crate) fn place(&self) -> &UrlArgs {
        &self.at
    }
}

impl AdminArgs {
    /// Creates a client of the admin API, which has the URL of the deployment unless `--admin-url` is given.
    pub(crate) fn open(&self, at: &UrlArgs) -> Result<Api> {
        self.open_at(&at.url)
    }

    /// Like [`open`](Self::open), for a deployment at this URL.
    pub(crate) fn open_at(&self, url: &str) -> Result<Api> {
        let credentials = match self.admin_iam {
            true => Credentials::Aws(Box::new(Aws::from_env().context("--admin-iam")?)),
            false => token(ADMIN_TOKEN, &self.admin_token)?,
        };
        Api::new(self.admin_url.as_deref().unwrap_or(url), credentials)
    }
}

/// Client of an API with JSON responses.
pub(crate) struct Api {
    url: String,
    credentials: Credentials,
    client: Client,
}

/// Authentication of requests.
enum Credentials {
    Token(String),
    /// AWS Signature Version 4, for a Lambda function URL.
    Aws(Box<Aws>),
}

/// Builds credentials from a token. Trims white space, as programs do when they read their settings.
fn token(setting: Setting, text: &str) -> Result<Credentials> {
    Ok(Credentials::Token(bearer(setting.name, text.trim())?))
}

/// Response with a status outside 2xx, with the error text of the API.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) status: StatusCode,
    reason: String,
}

impl Refused {
    /// Reads the error text from `error`, or from `Message`, which a Lambda function URL sends if it rejects a request.
    pub(crate) fn new(status: StatusCode, answer: &Value) -> Self {
        let reason = answer["error"].as_str().or(answer["Message"].as_str());
        Self { status, reason: reason.unwrap_or("no reason given").to_owned() }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.status, harmless(&self.reason))
    }
}

impl std::error::Error for Refused {}

impl Api {
    fn new(url: &str, credentials: Credentials) -> Result<Self> {
        let client = Client::builder().timeout(PATIENCE).build().context("the HTTP client cannot be built")?;
        Ok(Self { url: url.trim_end_matches('/').to_owned(), credentials, client })
    }

    /// Builds a request to a path of the API, with the bearer token if there is one.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.url));
        match &self.credentials {
            Credentials::Token(token) => request.bearer_auth(token),
            Credentials::Aws(_) => request,
        }
    }

    /// Sends the request and returns the body. A status outside 2xx is a [`Refused`] error.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Value> {
        let (status, value) = self.answer(request).await?;
        if !status.is_success() {
            return Err(Refused::new(status, &value).into());
        }
        Ok(value)
    }

    /// Sends the request and returns the status, whatever it is, and the body.
    pub(crate) async fn answer(&self, request: RequestBuilder) -> Result<(StatusCode, Value)> {
        let (status, _, value) = self.fetch(request).await?;
        Ok((status, value))
    }

    /// Sends the request and returns the status, the `Link` header and the body of the response.
    async fn fetch(&self, request: RequestBuilder) -> Result<(StatusCode, Option<String>, Value)> {
        let mut request = request.build().context("the request cannot be built")?;
        if let Credentials::Aws(aws) = &self.credentials {
            aws.sign("lambda", &mut request).await?;
        }
        let response = self
            .client
            .execute(request)
            .await
            .with_context(|| format!("no response from {}; is `sigpost dev` running there?", self.url))?;
        let status = response.status();
        let link = response.headers().get(LINK).and_then(|link| link.to_str().ok()).map(str::to_owned);
        let text = response.text().await.context("the connection closed before the end of the response")?;
        Ok((status, link, serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }

    /// Fetches all pages of a list.
    pub(crate) async fn list(&self, path: &str) -> Result<Value> {
        let (list, mut page, mut items) = (path.split('?').next().unwrap_or_default(), path.to_owned(), Vec::new());
        loop {
            let (status, link, value) = self.fetch(self.request(Method::GET, &page)).await?;
            if !status.is_success() {
                return Err(Refused::new(status, &value).into());
            }
            let Value::Array(more) = value else { return Ok(value) };
            items.extend(more);
            match link.as_deref().and_then(query_of_link) {
                Some(query) => page = format!("{list}?{query}"),
                None => return Ok(Value::Array(items)),
            }
        }
    }

    /// Sends a GET request.
    pub(crate) async fn get(&self, path: &str) -> Result<Value> {
        self.send(self.request(Method::GET, path)).await
    }

    /// Sends a POST request.
    pub(crate) async fn post(&self, path: &str) -> Result<Value> {
        self.send(self.request(Method::POST, path)).await
    }

    /// Sends a DELETE request.
    pub(crate) async fn delete(&self, path: &str) -> Result<Value> {
        self.send(self.request(Method::DELETE, path)).await
    }
}
