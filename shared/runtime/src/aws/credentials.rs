//! Credentials of AWS: those of the function's or the container's role.

use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use aws_credential_types::Credentials;
use jiff::Timestamp;
use reqwest::header::AUTHORIZATION;
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::env;
use crate::settings::{
    AWS_ACCESS_KEY_ID, AWS_CONTAINER_AUTHORIZATION_TOKEN, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE,
    AWS_CONTAINER_CREDENTIALS_FULL_URI, AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, AWS_SECRET_ACCESS_KEY,
    AWS_SESSION_TOKEN,
};

/// The address from which an ECS task fetches its role's credentials.
const ECS: &str = "http://169.254.170.2";
/// Credentials are renewed this long before they expire.
const MARGIN: Duration = Duration::from_secs(300);

/// The source of credentials.
pub(super) enum CredentialSource {
    /// From the environment. Lambda replaces an environment before its credentials expire.
    Environment(Credentials),
    /// From the endpoint of ECS or EKS, which issues them for some hours at a time.
    Container { url: String, token: Option<Token>, kept: Mutex<Option<Credentials>> },
}

/// The authorization token for the endpoint. The content of a token file changes.
pub(super) enum Token {
    Fixed(String),
    File(String),
}

impl CredentialSource {
    pub(super) fn from_env() -> Result<Self> {
        if let (Some(key), Some(secret)) = (env::var(AWS_ACCESS_KEY_ID)?, env::var(AWS_SECRET_ACCESS_KEY)?) {
            let token = env::var(AWS_SESSION_TOKEN)?;
            return Ok(Self::Environment(Credentials::new(key, secret, token, None, "environment")));
        }
        let relative = env::var(AWS_CONTAINER_CREDENTIALS_RELATIVE_URI)?.map(|path| format!("{ECS}{path}"));
        let Some(url) = relative.or(env::var(AWS_CONTAINER_CREDENTIALS_FULL_URI)?) else {
            bail!("there are no AWS credentials: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set");
        };
        let token = match env::var(AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE)? {
            Some(path) => Some(Token::File(path)),
            None => env::var(AWS_CONTAINER_AUTHORIZATION_TOKEN)?.map(Token::Fixed),
        };
        Ok(Self::Container { url, token, kept: Mutex::default() })
    }

    pub(super) fn fixed(access_key_id: &str, secret_access_key: &str) -> Self {
        Self::Environment(Credentials::new(access_key_id, secret_access_key, None, None, "fixed"))
    }

    /// Returns credentials that are valid for at least some minutes. `http` creates the client to fetch them with.
    pub(super) async fn credentials<'a>(
        &self,
        http: impl FnOnce() -> Result<&'a reqwest::Client>,
    ) -> Result<Credentials> {
        let (url, token, kept) = match self {
            Self::Environment(credentials) => return Ok(credentials.clone()),
            Self::Container { url, token, kept } => (url, token, kept),
        };
        // Concurrent callers wait for the one that fetches.
        let mut kept = kept.lock().await;
        let good_until = SystemTime::now() + MARGIN;
        match &*kept {
            Some(credentials) if credentials.expiry().is_none_or(|end| end > good_until) => Ok(credentials.clone()),
            _ => Ok(kept.insert(fetch(http()?, url, token.as_ref()).await?).clone()),
        }
    }
}

/// The endpoint's response.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Given {
    access_key_id: String,
    secret_access_key: String,
    token: Option<String>,
    /// Expiry, RFC 3339.
    expiration: Option<String>,
}

async fn fetch(http: &reqwest::Client, url: &str, token: Option<&Token>) -> Result<Credentials> {
    let token = match token {
        Some(Token::File(path)) => Some(
            std::fs::read_to_string(path).with_context(|| format!("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE={path}"))?,
        ),
        Some(Token::Fixed(token)) => Some(token.clone()),
        None => None,
    };
    let mut request = http.get(url);
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, token.trim());
    }
    let answer = request.send().await.and_then(reqwest::Response::error_for_status);
    let given: Given = answer.context("cannot read AWS credentials from the container endpoint")?.json().await?;
    let Given { access_key_id, secret_access_key, token, expiration } = given;
    let expiration: Option<Timestamp> = expiration.map(|text| text.parse()).transpose()?;
    Ok(Credentials::new(access_key_id, secret_access_key, token, expiration.map(SystemTime::from), "container"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::Router;
    use axum::http::HeaderMap;
    use axum::routing::get;
    use tokio::net::TcpListener;

    use super::*;

    /// Starts an endpoint as ECS has it, with this expiry. Also returns the number of authorized requests so far.
    async fn container(expiration: Timestamp) -> (CredentialSource, Arc<AtomicUsize>) {
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        let give = async move |headers: HeaderMap| {
            assert_eq!(headers[AUTHORIZATION], "the token");
            counted.fetch_add(1, Ordering::Relaxed);
            format!(r#"{{"AccessKeyId":"AKID","SecretAccessKey":"s","Token":"t","Expiration":"{expiration}"}}"#)
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/role", listener.local_addr().expect("an address"));
        tokio::spawn(async { axum::serve(listener, Router::new().route("/role", get(give))).await });
        let token = Some(Token::Fixed("the token\n".into()));
        (CredentialSource::Container { url, token, kept: Mutex::default() }, asked)
    }

    #[tokio::test]
    async fn credentials_of_a_container_are_kept_until_shortly_before_their_end() {
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        for (minutes, fetches) in [(60, 1), (4, 2)] {
            let (source, asked) = container(Timestamp::now() + Duration::from_secs(60 * minutes)).await;
            for _ in 0..2 {
                let credentials = source.credentials(|| Ok(&http)).await.expect("credentials");
                assert_eq!((credentials.access_key_id(), credentials.session_token()), ("AKID", Some("t")));
            }
            assert_eq!(asked.load(Ordering::Relaxed), fetches, "{minutes} minutes");
        }
    }
}
