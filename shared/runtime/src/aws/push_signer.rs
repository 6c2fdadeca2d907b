//! Signs deliveries with SigV4: a Function URL with `AWS_IAM` accepts signed requests only.

use anyhow::{Context, Result, ensure};
use http::header::AUTHORIZATION;
use url::Url;

use super::Aws;
use super::sigv4::ToSign;
use crate::env;
use crate::host_pattern::{HostPattern, InvalidHost};
use crate::outgoing::Request;
use crate::settings::SIGV4_TARGETS;

/// The service of Function URLs.
const SERVICE: &str = "lambda";

/// Signs deliveries to the configured hosts.
pub struct PushSigner {
    targets: Vec<HostPattern>,
    aws: Aws,
}

impl PushSigner {
    /// Returns the signer for the hosts (`abc.lambda-url.eu-central-1.on.aws`) and patterns
    /// (`*.lambda-url.eu-central-1.on.aws`) in `SIGV4_TARGETS`, separated by commas; `None` without any. It needs
    /// `AWS_REGION` and credentials: see [`Aws::from_env`].
    ///
    /// # Errors
    ///
    /// Names the variable that is missing or malformed.
    pub fn from_env() -> Result<Option<Self>> {
        let targets = env::list(SIGV4_TARGETS)?;
        if targets.is_empty() {
            return Ok(None);
        }
        Self::new(&targets, Aws::from_env().context("SIGV4_TARGETS needs AWS credentials")?).map(Some)
    }

    /// Returns the signer for these hosts and patterns.
    ///
    /// # Errors
    ///
    /// The first entry that is neither a host name nor a pattern.
    pub fn new<S: AsRef<str>>(targets: &[S], aws: Aws) -> Result<Self> {
        let parse = |target: &str| {
            target.parse().map_err(|why: InvalidHost| anyhow::anyhow!("SIGV4_TARGETS: {target:?} is {why}"))
        };
        let targets = targets.iter().map(|target| parse(target.as_ref())).collect::<Result<_>>()?;
        Ok(Self { targets, aws })
    }

    /// Signs a request if the host of its URL is configured.
    ///
    /// # Errors
    ///
    /// The message forwards an `Authorization` header, which the signature would replace; or credentials are missing.
    pub async fn sign(&self, url: &Url, request: &mut Request) -> Result<()> {
        let host = url.host_str().unwrap_or_default();
        if !self.targets.iter().any(|target| target.matches(host)) {
            return Ok(());
        }
        ensure!(
            !request.headers.contains_key(AUTHORIZATION),
            "the message forwards an Authorization header, which the SigV4 signature for {host} (SIGV4_TARGETS) would replace"
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
