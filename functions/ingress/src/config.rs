//! Configuration of the function from the environment.

use std::fmt;

use anyhow::{Context, Result};
use sigpost_jobs::Handlers;
use sigpost_runtime::settings::{BASE_URL, JOB_URLS, RESEND_WEBHOOK_SECRET, STRIPE_WEBHOOK_SECRET};
use sigpost_runtime::{Reading, env, settings};

use crate::resend;
use crate::signature::Secret;

/// Secrets of the webhooks and URLs of the handlers. `Debug` shows no secret.
#[derive(Clone)]
pub struct Config {
    /// `STRIPE_WEBHOOK_SECRET`.
    pub(crate) stripe: Vec<Secret>,
    /// `RESEND_WEBHOOK_SECRET`.
    pub(crate) resend: Vec<Secret>,
    /// `BASE_URL` and `JOB_URLS`: URLs of `process-stripe-webhook` and `process-webhook`.
    pub(crate) handlers: Handlers,
}

impl Config {
    /// Creates a configuration with these secrets: for Stripe unchanged, for Resend `whsec_` and base64. A list has
    /// several secrets during a rotation. Without a secret, the webhooks of the provider get a 404.
    ///
    /// # Errors
    ///
    /// A secret is shorter than 16 characters, or a secret of Resend is malformed. The error does not contain it.
    pub fn new(stripe: &[String], resend: &[String], handlers: Handlers) -> Result<Self> {
        stripe.iter().try_for_each(|text| settings::secret(STRIPE_WEBHOOK_SECRET.name, text).map(drop))?;
        let resend = resend.iter().enumerate().map(|(index, text)| {
            let malformed = || format!("RESEND_WEBHOOK_SECRET: secret {} must be whsec_ followed by base64", index + 1);
            let secret = resend::secret(text).with_context(malformed)?;
            settings::secret(RESEND_WEBHOOK_SECRET.name, text.trim_start_matches("whsec_"))?;
            Ok(secret)
        });
        let stripe = stripe.iter().map(|secret| Secret::new(secret.as_bytes())).collect();
        Ok(Self { stripe, resend: resend.collect::<Result<_>>()?, handlers })
    }

    /// Reads `STRIPE_WEBHOOK_SECRET` and `RESEND_WEBHOOK_SECRET`, each a comma-separated list, `BASE_URL` and `JOB_URLS`.
    /// One of the secrets and one of the URLs are required. `reading` collects errors.
    pub fn read(reading: &mut Reading) -> Option<Self> {
        reading.required_one_of([BASE_URL, JOB_URLS]);
        reading.required_one_of([STRIPE_WEBHOOK_SECRET, RESEND_WEBHOOK_SECRET]);
        let handlers = Handlers::read(reading);
        Self::with_secrets(reading, handlers)
    }

    /// Reads the configuration of `sigpost dev`. The secrets are optional; without them webhooks get a 404.
    pub fn read_for_dev(reading: &mut Reading, base_url: &str) -> Option<Self> {
        Self::with_secrets(reading, Handlers::at(base_url).ok()?)
    }

    fn with_secrets(reading: &mut Reading, handlers: Handlers) -> Option<Self> {
        let mut secrets = |setting| reading.text(setting).map(|text| env::split(&text)).unwrap_or_default();
        let (stripe, resend) = (secrets(STRIPE_WEBHOOK_SECRET), secrets(RESEND_WEBHOOK_SECRET));
        reading.noted(RESEND_WEBHOOK_SECRET, Self::new(&stripe, &resend, handlers))
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("handlers", &self.handlers).finish_non_exhaustive()
    }
}
