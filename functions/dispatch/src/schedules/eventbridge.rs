//! The driver of a deployment on AWS: every schedule has a copy in EventBridge Scheduler, which
//! invokes the dispatch function at its times. So nothing has to run in between.
//!
//! ```text
//! row (committed, not mirrored)  ->  EventBridge  ->  row (mirrored, if it is still the same)
//! ```
//!
//! `name` and `request` say, purely, what the schedule group should hold; `driver` makes it hold
//! that; `reconcile` finds where it does not. Whatever is cut off in between is repaired by the next
//! call or by the next reconciliation. What fires nevertheless (a copy whose row is gone, a time that
//! was published already) publishes nothing: see `invocation`.

mod driver;
mod name;
mod reconcile;
mod request;

use anyhow::{Context, Result, ensure};
use aws_config::SdkConfig;
use sigpost_runtime::{Reading, env};

pub(crate) use driver::EventBridgeDriver;
pub use reconcile::Drift;

/// Where schedules are kept in EventBridge Scheduler, and what they invoke there.
#[derive(Clone, Debug)]
pub struct EventBridge {
    /// `SCHEDULE_GROUP`: the schedule group of this deployment, and of no other: what looks like one
    /// of ours there and has no row is deleted. It must exist.
    pub group: String,
    /// `SCHEDULE_TARGET_ARN`: the dispatch function. Required with a group.
    pub target_arn: String,
    /// `SCHEDULE_ROLE_ARN`: the role that may invoke it, which EventBridge Scheduler assumes.
    /// Required with a group.
    pub role_arn: String,
    /// `SCHEDULE_DEAD_LETTER_ARN`: an SQS queue for invocations that were given up. Default: none.
    pub dead_letter_arn: Option<String>,
    /// How AWS is reached. Default: as the SDK's own variables and files say, `AWS_REGION` and
    /// `AWS_ENDPOINT_URL` among them.
    pub sdk: Option<SdkConfig>,
}

impl EventBridge {
    /// `None` without a group: schedules are fired by the processes that deliver.
    pub(crate) fn read(reading: &mut Reading) -> Option<Self> {
        let group = reading.take("SCHEDULE_GROUP", env::var("SCHEDULE_GROUP"), None)?;
        let needed =
            |name| arn(name, env::var(name)?.with_context(|| format!("{name} is required with SCHEDULE_GROUP"))?);
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
