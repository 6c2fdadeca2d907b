//! What the function needs to know, from the environment.

use std::fmt;

use anyhow::{Context, Result, ensure};
use sigpost_jobs::Handlers;
use sigpost_runtime::env;

use crate::resend;
use crate::signature::Secret;

/// Whose webhooks are believed, and where their jobs go. `Debug` shows no secret.
#[derive(Clone)]
pub struct Config {
    /// `STRIPE_WEBHOOK_SECRET`.
    pub(crate) stripe: Vec<Secret>,
    /// `RESEND_WEBHOOK_SECRET`.
    pub(crate) resend: Vec<Secret>,
    /// `BASE_URL` and `JOB_URLS`: where `process-stripe-webhook` and `process-webhook` are.
    pub(crate) handlers: Handlers,
}

impl Config {
    /// With these secrets: for Stripe as they are, for Resend `whsec_` and base64. Several while they are
    /// rotated; where there is none, its webhooks are answered 404.
    ///
    /// # Errors
    ///
    /// A secret of Resend is malformed. It is not repeated.
    pub fn new(stripe: &[String], resend: &[String], handlers: Handlers) -> Result<Self> {
        ensure!(stripe.iter().all(|secret| !secret.is_empty()), "STRIPE_WEBHOOK_SECRET: a secret is empty");
        let resend = resend.iter().enumerate().map(|(index, text)| {
            resend::secret(text)
                .with_context(|| format!("RESEND_WEBHOOK_SECRET: secret {} is not whsec_ and base64", index + 1))
        });
        let stripe = stripe.iter().map(|secret| Secret::new(secret.as_bytes())).collect();
        Ok(Self { stripe, resend: resend.collect::<Result<_>>()?, handlers })
    }

    /// Reads `STRIPE_WEBHOOK_SECRET` and `RESEND_WEBHOOK_SECRET`, each one or several with a comma
    /// between them, `BASE_URL` and `JOB_URLS`.
    ///
    /// # Errors
    ///
    /// The first variable that is missing or malformed, by its name. One of the secrets must be there.
    pub fn from_env() -> Result<Self> {
        let config = Self::with_secrets(Handlers::from_env()?)?;
        ensure!(
            !config.stripe.is_empty() || !config.resend.is_empty(),
            "neither STRIPE_WEBHOOK_SECRET nor RESEND_WEBHOOK_SECRET is set"
        );
        Ok(config)
    }

    /// The configuration of `sigpost dev`: without secrets it believes nobody.
    ///
    /// # Errors
    ///
    /// The first variable that is malformed, by its name.
    pub fn for_dev(base_url: &str) -> Result<Self> {
        Self::with_secrets(Handlers::at(base_url)?)
    }

    fn with_secrets(handlers: Handlers) -> Result<Self> {
        Self::new(&env::list("STRIPE_WEBHOOK_SECRET")?, &env::list("RESEND_WEBHOOK_SECRET")?, handlers)
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("handlers", &self.handlers).finish_non_exhaustive()
    }
}
