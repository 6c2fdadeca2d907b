//! Where the handlers of a deployment are, and how jobs for them are sealed: what everybody who
//! enqueues must agree on with those who run.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use sigpost_qstash::Invalid;
use sigpost_runtime::{Reading, env};

use crate::sealing::SealingKeys;
use crate::{Job, base_url};

/// The handlers of one deployment, from the point of view of whoever enqueues.
#[derive(Clone, Debug)]
pub struct Handlers {
    /// Empty if there is none.
    base_url: String,
    /// By [`Job::TYPE`], where it differs from `base_url`.
    urls: BTreeMap<String, String>,
    pub(crate) sealing: Option<SealingKeys>,
}

impl Handlers {
    /// All handlers below one base URL: absolute, http or https, perhaps with a path.
    ///
    /// # Errors
    ///
    /// What is no such URL.
    pub fn at(base_url: &str) -> Result<Self, Invalid> {
        Ok(Self::unchecked(base_url::parse("base url", base_url)?))
    }

    pub(crate) fn unchecked(base_url: String) -> Self {
        Self { base_url, urls: BTreeMap::new(), sealing: None }
    }

    /// With keys for jobs that are [`SEALED`](Job::SEALED).
    #[must_use]
    pub fn with_sealing_keys(self, keys: SealingKeys) -> Self {
        Self { sealing: Some(keys), ..self }
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

    /// Reads `BASE_URL` (what the URLs of handlers begin with), `JOB_URLS` (`type=url,...` for the
    /// types whose handlers are elsewhere: in Lambda each function has a URL of its own; default none),
    /// of which one must be there, and `JOB_SEALING_KEYS` (see [`SealingKeys::parse`]; default none).
    ///
    /// # Errors
    ///
    /// All variables that are missing or malformed, by their names.
    pub fn from_env() -> Result<Self> {
        let mut reading = Reading::of_process();
        reading.required_one_of(["BASE_URL", "JOB_URLS"]);
        let handlers = Self::read(&mut reading);
        reading.finish(Some(handlers))
    }

    /// Reads the same. What is malformed is noted; it is no problem that none is set.
    pub fn read(reading: &mut Reading) -> Self {
        let base_url = reading.checked("BASE_URL", |text| Ok(base_url::parse("BASE_URL", text)?));
        let urls = reading.checked("JOB_URLS", |text| env::split(text).iter().map(|item| job_url(item)).collect());
        let sealing = reading.checked("JOB_SEALING_KEYS", |text| Ok(SealingKeys::parse("JOB_SEALING_KEYS", text)?));
        Self { base_url: base_url.unwrap_or_default(), urls: urls.unwrap_or_default(), sealing }
    }

    /// What the URLs of handlers begin with, without a slash at the end. Empty if all have one of their own.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Where jobs of this type are published to.
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

/// One `type=url` of `JOB_URLS`.
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
    fn type_without_any_url_is_refused_by_name() {
        let handlers = Handlers::unchecked(String::new()).with_url("other", "https://b.example").expect("a URL");
        let refused = handlers.url_of::<Greet>().expect_err("nowhere");
        assert_eq!(refused.to_string(), "JOB_URLS: must name greet, since there is no BASE_URL");
    }
}
