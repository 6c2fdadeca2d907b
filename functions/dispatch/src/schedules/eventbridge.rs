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
        let group = reading.take("SCHEDULE_GROUP", env::var("SCHEDULE_GROUP"), None)?;
        let needed = |name| {
            arn(
                name,
                env::var(name)?.with_context(|| format!("{name} is not set; it is required with SCHEDULE_GROUP"))?,
            )
        };
        let (target, role) = (needed("SCHEDULE_TARGET_ARN"), needed("SCHEDULE_ROLE_ARN"));
        let dead_letter = env::var("SCHEDULE_DEAD_LETTER_ARN")
            .and_then(|given| given.map(|given| arn("SCHEDULE_DEAD_LETTER_ARN", given)).transpose());
        Some(Self {
            group,
            target_arn: reading.take("SCHEDULE_TARGET_ARN", target, String::new()),
            role_arn: reading.take("SCHEDULE_ROLE_ARN", role, String::new()),
            dead_letter_arn: reading.take("SCHEDULE_DEAD_LETTER_ARN", dead_letter, None),
            sdk: None,
        })
    }
}

fn arn(name: &str, given: String) -> Result<String> {
    ensure!(given.starts_with("arn:"), "{name} must be an ARN that starts with \"arn:\"");
    Ok(given)
}
