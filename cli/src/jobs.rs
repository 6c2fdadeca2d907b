//! All job types that have a function in this repository. `sigpost dev` serves them, `tools/new-job` adds to the list,
//! and tests compare it with `functions/` and `infra/`.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use axum::Router;
use sigpost_files::Files;
use sigpost_jobs::{Harness, Job, payloads};
use sigpost_runtime::Reading;

/// Resources that handlers share in `sigpost dev`.
#[derive(Clone, Copy)]
pub struct Dev<'a> {
    harness: &'a Harness,
    /// Folder for data that handlers store outside the database.
    data_dir: &'a Path,
}

impl<'a> Dev<'a> {
    /// Creates the resources. All handlers have the base URL of this harness.
    pub fn new(harness: &'a Harness, data_dir: &'a Path) -> Self {
        Self { harness, data_dir }
    }

    /// Returns the base URL of all handlers.
    pub fn base_url(&self) -> &str {
        self.harness.handlers.base_url()
    }

    /// Opens the file storage: `FILES_URL`, or the folder `files` in the data folder.
    ///
    /// # Errors
    ///
    /// `FILES_URL` is invalid.
    pub fn files(&self) -> Result<Files> {
        let folder = self.data_dir.join("files");
        self.settings(|reading| sigpost_files::Config::read_or_folder(reading, &folder))?.open()
    }

    /// Reads the settings of a handler.
    ///
    /// # Errors
    ///
    /// Lists all malformed settings.
    pub fn settings<T>(&self, read: impl FnOnce(&mut Reading) -> Option<T>) -> Result<T> {
        let mut reading = Reading::as_far_as_set();
        let settings = read(&mut reading);
        reading.finish(settings)
    }

    /// Returns a harness for one handler.
    pub fn harness(self) -> Harness {
        self.harness.clone()
    }
}

/// Properties of a job type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobType {
    /// [`Job::TYPE`], and the name of its package in `functions/`.
    pub name: &'static str,
    /// [`Job::ENDPOINT`].
    pub endpoint: &'static str,
    /// [`Job::RETRIES`].
    pub retries: u32,
    /// [`Job::TIMEOUT`].
    pub timeout: Duration,
}

impl JobType {
    const fn of<J: Job>() -> Self {
        Self { name: J::TYPE, endpoint: J::ENDPOINT, retries: J::RETRIES, timeout: J::TIMEOUT }
    }
}

macro_rules! jobs {
    ($dev:ident: $($job:ty => $router:expr,)+) => {
        /// All job types.
        pub const JOBS: &[JobType] = &[$(JobType::of::<$job>()),+];

        /// Builds the router of all handlers for `sigpost dev`.
        ///
        /// # Errors
        ///
        /// The settings of a handler are missing or malformed.
        pub fn router($dev: Dev<'_>) -> Result<Router> {
            Ok(Router::new()$(.merge($router))+)
        }
    };
}

// Each job type and the router of its handler.
jobs! { dev:
    payloads::SendEmail => send_email::router(dev.settings(send_email::Config::read_for_dev)?, dev.harness())?,
    payloads::CleanupOldData => cleanup_old_data::router(dev.harness()),
    payloads::CreateNotification => create_notification::router(dev.harness()),
    payloads::ProcessStripeWebhook => process_stripe_webhook::router(
        dev.settings(|reading| process_stripe_webhook::Config::read_for_dev(reading, dev.base_url()))?,
        dev.harness(),
    ),
    payloads::ProcessWebhook => process_webhook::router(process_webhook::Processors::default(), dev.harness()),
    payloads::ExportData => export_data::router(dev.files()?, dev.harness()),
    payloads::GenerateReport => generate_report::router(dev.files()?, dev.harness()),
    payloads::CheckJobHealth => check_job_health::router(dev.settings(check_job_health::Config::read)?, dev.harness())?,
    // `new-job` writes above this line.
}
