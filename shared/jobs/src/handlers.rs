//! Where the handlers of a deployment are: what everybody who enqueues must agree on with those who run.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use sigpost_qstash::Invalid;
use sigpost_runtime::env;

use crate::{Job, base_url};

/// The handlers of one deployment, from the point of view of whoever enqueues.
#[derive(Clone, Debug)]
pub struct Handlers {
    base_url: String,
    /// By [`Job::TYPE`], where it differs from `base_url`.
    urls: BTreeMap<String, String>,
}

impl Handlers {
    /// All handlers below one base URL: absolute, http or https, perhaps with a path.
    ///
    /// # Errors
    ///
    /// What is no such URL.
    pub fn at(base_url: &str) -> Result<Self, Invalid> {
        Ok(Self { base_url: base_url::parse("base url", base_url)?, urls: BTreeMap::new() })
    }

    /// With a handler of this type of job at a base URL of its own.
    ///
    /// # Errors
    ///
    /// What is no such URL; the error names the type.
    pub fn with_url(mut self, job_type: &str, base_url: &str) -> Result<Self, Invalid> {
        self.urls.insert(job_type.to_owned(), base_url::parse(job_type, base_url)?);
        Ok(self)
    }

    /// Reads `BASE_URL` (what the URLs of handlers begin with) and `JOB_URLS` (`type=url,...` for the
    /// types whose handlers are elsewhere: in Lambda each function has a URL of its own; default none).
    ///
    /// # Errors
    ///
    /// The first variable that is missing or malformed, by its name.
    pub fn from_env() -> Result<Self> {
        let mut handlers = Self::at(&base_url::parse("BASE_URL", &env::required("BASE_URL")?)?)?;
        for item in env::list("JOB_URLS")? {
            let (job_type, url) = item.split_once('=').context("JOB_URLS: must be a list of type=url")?;
            handlers = handlers.with_url(job_type.trim(), url).context("JOB_URLS")?;
        }
        Ok(handlers)
    }

    /// What the URL of this type's handler begins with.
    pub fn base_url_of<J: Job>(&self) -> &str {
        self.urls.get(J::TYPE).unwrap_or(&self.base_url)
    }
}
