//! The driver of a deployment on AWS: every schedule has a copy in EventBridge Scheduler, which invokes the dispatch
//! function at its times, so that no process has to run in between.
//!
//! ```text
//! row (committed, not mirrored)  ->  EventBridge  ->  row (mirrored, if it is still the same)
//! ```
//!
//! `name` and `request` compute the desired content of the schedule group; `driver` writes it; `reconcile` finds and
//! repairs differences. The next call or reconciliation completes an interrupted change. Invalid firings (of a copy
//! without a row, or for a time that was published already) publish nothing: see `invocation`.

mod driver;
mod name;
mod reconcile;
mod request;

use anyhow::{Context, Result, ensure};
use aws_config::SdkConfig;
use sigpost_runtime::settings::{self, Setting};
use sigpost_runtime::{Reading, env};

pub(crate) use driver::EventBridgeDriver;
pub use reconcile::Drift;

/// Settings of the schedules in EventBridge Scheduler.
#[derive(Clone, Debug)]
pub struct EventBridge {
    /// `SCHEDULE_GROUP`: the schedule group, used only by this deployment: copies without a row are deleted
    /// there. It must exist.
    pub group: String,
    /// `SCHEDULE_TARGET_ARN`: the dispatch function. Required with a group.
    pub target_arn: String,
    /// `SCHEDULE_ROLE_ARN`: the role that may invoke it, which EventBridge Scheduler assumes.
    /// Required with a group.
    pub role_arn: String,
    /// `SCHEDULE_DEAD_LETTER_ARN`: an SQS queue for invocations whose retries are exhausted. Default: none.
    pub dead_letter_arn: Option<String>,
    /// Configuration of the AWS SDK. Default: from its environment variables and files, such as `AWS_REGION` and
    /// `AWS_ENDPOINT_URL`.
    pub sdk: Option<SdkConfig>,
}

impl EventBridge {
    /// Reads the settings. `None` without a group: the dispatchers fire the schedules.
    pub(crate) fn read(reading: &mut Reading) -> Option<Self> {
        let group = reading.text(settings::SCHEDULE_GROUP)?;
        let mut needed = |setting: Setting| {
            let missing = || format!("{} is not set; it is required with SCHEDULE_GROUP", setting.name);
            let read = env::var(setting).and_then(|given| arn(setting, &given.with_context(missing)?));
            reading.take(setting, read, String::new())
        };
        let (target_arn, role_arn) = (needed(settings::SCHEDULE_TARGET_ARN), needed(settings::SCHEDULE_ROLE_ARN));
        let dead_letter = settings::SCHEDULE_DEAD_LETTER_ARN;
        let dead_letter_arn = reading.checked(dead_letter, |given| arn(dead_letter, given));
        Some(Self { group, target_arn, role_arn, dead_letter_arn, sdk: None })
    }
}

fn arn(setting: Setting, given: &str) -> Result<String> {
    ensure!(given.starts_with("arn:"), "{} must be an ARN that starts with \"arn:\"", setting.name);
    Ok(given.to_owned())
}
