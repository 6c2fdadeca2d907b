//! Pushes that AWS lets in: a Function URL with `AWS_IAM` is invoked only by a signed request.

use anyhow::{Context, Result, ensure};
use http::header::AUTHORIZATION;
use url::Url;

use super::Aws;
use super::sigv4::ToSign;
use crate::env;
use crate::host_pattern::{HostPattern, InvalidHost};
use crate::outgoing::Request;

/// The service that a Function URL belongs to.
const SERVICE: &str = "lambda";

/// Signs the pushes to some hosts.
pub struct PushSigner {
    targets: Vec<HostPattern>,
    aws: Aws,
}

impl PushSigner {
    /// The signer for the hosts (`abc.lambda-url.eu-central-1.on.aws`) and patterns
    /// (`*.lambda-url.eu-central-1.on.aws`) in `SIGV4_TARGETS`, separated by commas; `None` without any.
    /// It needs `AWS_REGION` and credentials: see [`Aws::from_env`].
    ///
    /// # Errors
    ///
    /// The variable that is missing or malformed, by its name.
    pub fn from_env() -> Result<Option<Self>> {
        let targets = env::list("SIGV4_TARGETS")?;
        if targets.is_empty() {
            return Ok(None);
        }
        Self::new(&targets, Aws::from_env().context("SIGV4_TARGETS needs AWS credentials")?).map(Some)
    }

    /// The signer for these hosts and patterns.
    ///
    /// # Errors
    ///
    /// The first that is neither.
    pub fn new<S: AsRef<str>>(targets: &[S], aws: Aws) -> Result<Self> {
        let parse = |target: &str| {
            target.parse().map_err(|why: InvalidHost| anyhow::anyhow!("SIGV4_TARGETS: {target:?} is {why}"))
        };
        let targets = targets.iter().map(|target| parse(target.as_ref())).collect::<Result<_>>()?;
        Ok(Self { targets, aws })
    }

    /// Signs a request to this URL, if its host is one of them.
    ///
    /// # Errors
    ///
    /// The message forwards an `Authorization` of its own, which is where the signature goes; or there
    /// are no credentials.
    pub async fn sign(&self, url: &Url, request: &mut Request) -> Result<()> {
        let host = url.host_str().unwrap_or_default();
        if !self.targets.iter().any(|target| target.matches(host)) {
            return Ok(());
        }
        ensure!(
            !request.headers.contains_key(AUTHORIZATION),
            "{host} is one of SIGV4_TARGETS, whose signature goes into Authorization, and the message forwards one of its own"
        );
        let Request { method, headers, body } = request;
        self.aws.sign_parts(SERVICE, ToSign { method, url, headers, body }).await
    }
}

impl std::fmt::Debug for PushSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PushSigner").field("targets", &self.targets).finish_non_exhaustive()
    }
}
