//! URLs of the handlers of a deployment, and sealing keys. Publishers and handlers must agree on both.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use sigpost_qstash::Invalid;
use sigpost_runtime::settings::{BASE_URL, JOB_SEALING_KEYS, JOB_URLS};
use sigpost_runtime::{Reading, env};

use crate::sealing::SealingKeys;
use crate::{Job, base_url};

/// URLs and sealing keys of the handlers of one deployment.
#[derive(Clone, Debug)]
pub struct Handlers {
    /// Base URL; empty if none.
    base_url: String,
    /// Base URLs by [`Job::TYPE`] that differ from `base_url`.
    urls: BTreeMap<String, String>,
    pub(crate) sealing: Option<SealingKeys>,
}

impl Handlers {
    /// Creates handlers below one base URL: absolute, http or https, optionally with a path.
    ///
    /// # Errors
    ///
    /// The URL is invalid.
    pub fn at(base_url: &str) -> Result<Self, Invalid> {
        Ok(Self::unchecked(base_url::parse("base url", base_url)?))
    }

    pub(crate) fn unchecked(base_url: String) -> Self {
        Self { base_url, urls: BTreeMap::new(), sealing: None }
    }

    /// Sets the keys for jobs that are [`SEALED`](Job::SEALED).
    #[must_use]
    pub fn with_sealing_keys(self, keys: SealingKeys) -> Self {
        Self { sealing: Some(keys), ..self }
    }

    /// Sets the base URL of the handler of a job type.
    ///
    /// # Errors
    ///
    /// The URL is invalid. The error names the type.
    pub fn with_url(mut self, job_type: &str, base_url: &str) -> Result<Self, Invalid> {
        self.urls.insert(job_type.to_owned(), base_url::parse(job_type, base_url)?);
        Ok(self)
    }

    /// Reads `BASE_URL` (base URL of the handlers), `JOB_URLS` (`type=url,...` for types with another base URL: in Lambda
    /// each function has its own; default none), of which one is required, and `JOB_SEALING_KEYS` (see
    /// [`SealingKeys::parse`]; default none).
    ///
    /// # Errors
    ///
    /// Names all variables that are missing or invalid.
    pub fn from_env() -> Result<Self> {
        let mut reading = Reading::of_process();
        reading.required_one_of([BASE_URL, JOB_URLS]);
        let handlers = Self::read(&mut reading);
        reading.finish(Some(handlers))
    }

    /// Reads the same variables; none is required. `reading` collects errors.
    pub fn read(reading: &mut Reading) -> Self {
        let base_url = reading.checked(BASE_URL, |text| Ok(base_url::parse(BASE_URL.name, text)?));
        let urls = reading.checked(JOB_URLS, |text| env::split(text).iter().map(|item| job_url(item)).collect());
        let sealing = reading.checked(JOB_SEALING_KEYS, |text| Ok(SealingKeys::parse(JOB_SEALING_KEYS.name, text)?));
        Self { base_url: base_url.unwrap_or_default(), urls: urls.unwrap_or_default(), sealing }
    }

    /// Returns the base URL without a trailing slash. Empty if each type has its own.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Returns the URL that jobs of this type are published to.
    ///
    /// # Errors
    ///
    /// The type has no URL of its own, and there is no base URL.
    pub fn url_of<J: Job>(&self) -> Result<String, Invalid> {
        match self.urls.get(J::TYPE).unwrap_or(&self.base_url) {
            base if base.is_empty() => {
                Err(Invalid::new("JOB_URLS", format!("must name {}, since there is no BASE_URL", J::TYPE)))
            }
            base => Ok(format!("{base}{}", J::ENDPOINT)),
        }
    }
}

/// Parses an item `type=url` of `JOB_URLS`.
fn job_url(item: &str) -> Result<(String, String)> {
    let (job_type, url) = item.split_once('=').context("JOB_URLS: must be a list of type=url")?;
    let url = base_url::parse(job_type.trim(), url).context("JOB_URLS")?;
    Ok((job_type.trim().to_owned(), url))
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Greet;

    impl Job for Greet {
        const TYPE: &'static str = "greet";
        const ENDPOINT: &'static str = "/api/jobs/greet";
    }

    #[test]
    fn type_with_a_url_of_its_own_is_published_there() {
        let handlers = Handlers::at("https://a.example/").expect("a URL").with_url("other", "https://b.example");
        let handlers = handlers.expect("a URL");
        assert_eq!(handlers.url_of::<Greet>().as_deref(), Ok("https://a.example/api/jobs/greet"));
        let handlers = handlers.with_url("greet", "https://c.example/x/").expect("a URL");
        assert_eq!(handlers.url_of::<Greet>().as_deref(), Ok("https://c.example/x/api/jobs/greet"));
        assert!(handlers.with_url("greet", "c.example").expect_err("no URL").to_string().starts_with("greet: "));
    }

    #[test]
    fn type_without_any_url_is_rejected_by_name() {
        let handlers = Handlers::unchecked(String::new()).with_url("other", "https://b.example").expect("a URL");
        let rejected = handlers.url_of::<Greet>().expect_err("nowhere");
        assert_eq!(rejected.to_string(), "JOB_URLS: must name greet, since there is no BASE_URL");
    }
}
