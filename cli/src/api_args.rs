//! Arguments of commands that use the API or the admin API: URL, credentials, output format.

use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Args;
use reqwest::Request;
use serde::de::DeserializeOwned;
use sigpost_client::{AdminClient, Call, Client, Credentials, Sign, Signing};
use sigpost_qstash::DEV_TOKEN;
use sigpost_runtime::Aws;
use sigpost_runtime::settings::{ADMIN_IAM, ADMIN_TOKEN, ADMIN_URL, QSTASH_TOKEN, QSTASH_URL, Setting, bearer};

use crate::output;

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
    pub(crate) fn open(&self) -> Result<Client> {
        Ok(Client::new(&self.at.url, token(QSTASH_TOKEN, &self.token)?)?)
    }

    /// Returns the URL arguments.
    pub(crate) fn place(&self) -> &UrlArgs {
        &self.at
    }

    /// Sends the request and prints the response: its JSON with `--json`, otherwise the text.
    pub(crate) async fn print<T: DeserializeOwned>(
        &self,
        call: impl FnOnce(&Client) -> Call<T>,
        text: impl FnOnce(T) -> String,
    ) -> Result<()> {
        output::response(self.json, call(&self.open()?), text).await
    }

    /// Requests all pages of a list and prints its items as [`print`](Self::print) does.
    pub(crate) async fn print_list<T: DeserializeOwned>(
        &self,
        call: impl FnOnce(&Client) -> Call<Vec<T>>,
        table: impl FnOnce(&[T]) -> String,
    ) -> Result<()> {
        let call = call(&self.open()?);
        match self.json {
            true => output::json(&call.read_as::<Vec<serde_json::Value>>().pages().all().await?),
            false => output::line(&table(&call.pages().all().await?)).map(drop),
        }
    }
}

impl AdminArgs {
    /// Creates a client of the admin API, which has the URL of the deployment unless `--admin-url` is given.
    pub(crate) fn open(&self, at: &UrlArgs) -> Result<AdminClient> {
        self.open_at(&at.url)
    }

    /// Like [`open`](Self::open), for a deployment at this URL.
    pub(crate) fn open_at(&self, url: &str) -> Result<AdminClient> {
        let credentials = match self.admin_iam {
            true => Credentials::Signature(Arc::new(AwsSignature(Aws::from_env().context("--admin-iam")?))),
            false => token(ADMIN_TOKEN, &self.admin_token)?,
        };
        Ok(AdminClient::new(self.admin_url.as_deref().unwrap_or(url), credentials)?)
    }
}

/// AWS Signature Version 4, for a Lambda function URL.
struct AwsSignature(Aws);

impl Sign for AwsSignature {
    fn sign<'a>(&'a self, request: &'a mut Request) -> Signing<'a> {
        Box::pin(async { self.0.sign("lambda", request).await.map_err(|why| format!("{why:#}")) })
    }
}

/// Builds credentials from a token. Trims white space, as programs do when they read their settings.
fn token(setting: Setting, text: &str) -> Result<Credentials> {
    Ok(Credentials::Token(bearer(setting.name, text.trim())?))
}
