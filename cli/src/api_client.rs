//! Talking to a dispatch API, this one's or QStash's, and to the admin API beside it.

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
use sigpost_runtime::settings::bearer;

pub(crate) use self::address::{destination, with_query, with_segment};
use crate::table::harmless;

/// How long an answer may take: a batch of a hundred retries is the longest there is.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where the deployment is.
#[derive(Debug, Args)]
pub(crate) struct UrlArgs {
    /// Where the API is.
    #[arg(long, env = "QSTASH_URL", default_value = "http://127.0.0.1:8080", value_name = "URL")]
    url: String,
}

/// Where the API is, the token for it, and how to print.
#[derive(Debug, Args)]
pub(crate) struct ApiArgs {
    #[command(flatten)]
    at: UrlArgs,
    /// Its token. The default is the one `sigpost dev` uses.
    #[arg(long, env = "QSTASH_TOKEN", default_value = DEV_TOKEN, hide_env_values = true, hide_default_value = true)]
    token: String,
    /// Print the API's answer as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Where the admin API is, and the token for it.
#[derive(Debug, Args)]
pub(crate) struct AdminArgs {
    /// Where the admin API is, if not where the API is: on AWS it is a function of its own.
    #[arg(long, env = "ADMIN_URL", value_name = "URL")]
    admin_url: Option<String>,
    /// Its token. The default is the one `sigpost dev` uses.
    #[arg(long, env = "ADMIN_TOKEN", default_value = DEV_TOKEN, hide_env_values = true, hide_default_value = true)]
    admin_token: String,
    /// Sign what is asked instead, with the AWS credentials of the environment (AWS_REGION,
    /// AWS_ACCESS_KEY_ID and so on): for an admin function with the parameter AdminAuth=AWS_IAM.
    #[arg(long, env = "ADMIN_IAM")]
    admin_iam: bool,
}

impl ApiArgs {
    /// The API, with one client for all that is asked of it.
    pub(crate) fn open(&self) -> Result<Api> {
        Api::new(&self.at.url, token("QSTASH_TOKEN", &self.token)?)
    }

    /// Where it is.
    pub(crate) fn place(&self) -> &UrlArgs {
        &self.at
    }
}

impl AdminArgs {
    /// The admin API of the deployment there.
    pub(crate) fn open(&self, at: &UrlArgs) -> Result<Api> {
        self.open_at(&at.url)
    }

    /// The same, of the deployment at this URL.
    pub(crate) fn open_at(&self, url: &str) -> Result<Api> {
        let credentials = match self.admin_iam {
            true => Credentials::Aws(Box::new(Aws::from_env().context("--admin-iam")?)),
            false => token("ADMIN_TOKEN", &self.admin_token)?,
        };
        Api::new(self.admin_url.as_deref().unwrap_or(url), credentials)
    }
}

/// An API that answers in JSON.
pub(crate) struct Api {
    url: String,
    credentials: Credentials,
    client: Client,
}

/// What lets us in.
enum Credentials {
    Token(String),
    /// A signature for the function's URL.
    Aws(Box<Aws>),
}

/// As programs read their settings, without white space around it.
fn token(setting: &str, text: &str) -> Result<Credentials> {
    Ok(Credentials::Token(bearer(setting, text.trim())?))
}

/// An answer outside 2xx, with the API's own words.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) status: StatusCode,
    reason: String,
}

impl Refused {
    /// `Message` is how Lambda says it, whose URL lets somebody in or not.
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

    /// A request to a path of the API, with the token if there is one.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.url));
        match &self.credentials {
            Credentials::Token(token) => request.bearer_auth(token),
            Credentials::Aws(_) => request,
        }
    }

    /// Sends it; an answer outside 2xx is a [`Refused`].
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Value> {
        let (status, value) = self.answer(request).await?;
        if !status.is_success() {
            return Err(Refused::new(status, &value).into());
        }
        Ok(value)
    }

    /// Sends it; whatever is answered.
    pub(crate) async fn answer(&self, request: RequestBuilder) -> Result<(StatusCode, Value)> {
        let (status, _, value) = self.fetch(request).await?;
        Ok((status, value))
    }

    /// Sends it; the status, the header `Link` and the body of the answer.
    async fn fetch(&self, request: RequestBuilder) -> Result<(StatusCode, Option<String>, Value)> {
        let mut request = request.build().context("the request cannot be built")?;
        if let Credentials::Aws(aws) = &self.credentials {
            aws.sign("lambda", &mut request).await?;
        }
        let response = self
            .client
            .execute(request)
            .await
            .with_context(|| format!("{} does not answer; is `sigpost dev` running there?", self.url))?;
        let status = response.status();
        let link = response.headers().get(LINK).and_then(|link| link.to_str().ok()).map(str::to_owned);
        let text = response.text().await.context("the answer broke off")?;
        Ok((status, link, serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }

    /// All pages of a list.
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

    /// Asks for what is there.
    pub(crate) async fn get(&self, path: &str) -> Result<Value> {
        self.send(self.request(Method::GET, path)).await
    }

    /// Asks for something to be done.
    pub(crate) async fn post(&self, path: &str) -> Result<Value> {
        self.send(self.request(Method::POST, path)).await
    }

    /// Asks for something to go.
    pub(crate) async fn delete(&self, path: &str) -> Result<Value> {
        self.send(self.request(Method::DELETE, path)).await
    }
}
