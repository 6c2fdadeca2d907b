//! Synchronizes the schedule group with the rows, one schedule at a time.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_scheduler::Client;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sigpost_qstash::{Cron, Invalid};
use sigpost_runtime::{ApiError, causes};
use sigpost_store::{Database, mirrors};
use tokio::sync::OnceCell;

use super::request::{Copy, copies};
use super::{EventBridge, name};
use crate::schedules::ScheduleDriver;

/// Timeouts of a call and its attempts, for which a request waits. AWS responds within tens of milliseconds.
const ATTEMPT: Duration = Duration::from_secs(3);
const CALL: Duration = Duration::from_secs(8);
/// How often a schedule that changes concurrently is copied before this process leaves it to the others.
const ROUNDS: usize = 8;

/// Keeps copies of the schedules in one schedule group.
pub(crate) struct EventBridgeDriver {
    pub(super) settings: EventBridge,
    pub(super) database: Database,
    /// Created on first use: most environments only fire and deliver.
    client: OnceCell<Client>,
}

/// Why synchronization failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Postgres.
    #[error(transparent)]
    Store(#[from] sigpost_store::Error),
    /// A call to AWS failed. The text is for the log.
    #[error("{call}: {cause}")]
    Aws {
        /// The API call.
        call: &'static str,
        /// The SDK's error.
        cause: String,
    },
    /// EventBridge Scheduler does not support the cron expression.
    #[error(transparent)]
    Unsupported(#[from] Invalid),
    /// The schedule changes continuously.
    #[error("the schedule changes continuously")]
    Restless,
}

impl Failure {
    fn aws(call: &'static str, error: &(dyn std::error::Error + 'static)) -> Self {
        Self::Aws { call, cause: causes::with_causes(error.to_string(), error) }
    }
}

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Store(error) => error.into(),
            Failure::Unsupported(invalid) => invalid.into(),
            Failure::Aws { .. } | Failure::Restless => {
                tracing::warn!(error = %failure, "copying a schedule to EventBridge Scheduler failed");
                Self::try_again("EventBridge Scheduler did not apply the change; retry the request")
            }
        }
    }
}

impl EventBridgeDriver {
    pub(crate) fn new(settings: EventBridge, database: Database) -> Self {
        Self { settings, database, client: OnceCell::new() }
    }

    async fn client(&self) -> &Client {
        let client = async || {
            let loaded;
            let sdk = match &self.settings.sdk {
                Some(sdk) => sdk,
                None => {
                    loaded = aws_config::load_defaults(BehaviorVersion::latest()).await;
                    &loaded
                }
            };
            let timeouts = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).operation_timeout(CALL).build();
            Client::from_conf(aws_sdk_scheduler::config::Builder::from(sdk).timeout_config(timeouts).build())
        };
        self.client.get_or_init(client).await
    }

    /// Synchronizes the copies of this schedule with its row, and marks the row.
    ///
    /// A writer that finds the row changed after its calls to AWS starts again. So the last of any number of concurrent
    /// writers leaves the copies in the state of the row.
    pub(super) async fn mirror(&self, id: &str) -> Result<(), Failure> {
        for _ in 0..ROUNDS {
            let row = mirrors::find(&mut *self.database.connection().await?, id).await?;
            let wanted = row.as_ref().map(|row| copies(row, &self.settings)).transpose()?.unwrap_or_default();
            let mut held = self.names(Some(name::prefix(id))).await?;
            for copy in wanted {
                self.put(&copy, held.remove(&copy.name)).await?;
            }
            for name in held {
                self.delete(&name).await?;
            }
            let mut conn = self.database.connection().await?;
            let unchanged = match &row {
                Some(row) => mirrors::mark(&mut conn, row).await?,
                None => mirrors::find(&mut conn, id).await?.is_none(),
            };
            if unchanged {
                return Ok(());
            }
        }
        Err(Failure::Restless)
    }

    /// Returns the names of the copies in the group, with this prefix if there is one.
    pub(super) async fn names(&self, prefix: Option<String>) -> Result<BTreeSet<String>, Failure> {
        let listing = self.client().await.list_schedules().group_name(&self.settings.group).set_name_prefix(prefix);
        let mut pages = listing.into_paginator().items().send();
        let mut names = BTreeSet::new();
        while let Some(summary) = pages.next().await {
            let summary = summary.map_err(|error| Failure::aws("ListSchedules", &error))?;
            names.extend(summary.name.filter(|name| name::prefix_of(name).is_some()));
        }
        Ok(names)
    }

    /// Creates or replaces a copy. `is_held` comes from a list that is eventually consistent: if AWS reports the opposite,
    /// the other call follows.
    async fn put(&self, copy: &Copy, is_held: bool) -> Result<(), Failure> {
        let done = if is_held { self.update(copy).await? } else { self.create(copy).await? };
        match (done, is_held) {
            (true, _) => Ok(()),
            (false, true) => self.create(copy).await.map(drop),
            (false, false) => self.update(copy).await.map(drop),
        }
    }

    /// Creates a copy. Returns `false` if its name exists.
    async fn create(&self, copy: &Copy) -> Result<bool, Failure> {
        let creation = self.client().await.create_schedule().group_name(&self.settings.group).name(&copy.name);
        let created = creation
            .client_token(&copy.creation_token)
            .description(&copy.description)
            .schedule_expression(&copy.expression)
            .schedule_expression_timezone(&copy.time_zone)
            .state(copy.state.clone())
            .target(copy.target.clone())
            .flexible_time_window(copy.window.clone())
            .send()
            .await;
        match created {
            Ok(_) => Ok(true),
            Err(error) if error.as_service_error().is_some_and(|error| error.is_conflict_exception()) => Ok(false),
            Err(error) => Err(Failure::aws("CreateSchedule", &error)),
        }
    }

    /// Replaces a copy. Returns `false` if its name does not exist. AWS resets omitted fields to their defaults.
    async fn update(&self, copy: &Copy) -> Result<bool, Failure> {
        let update = self.client().await.update_schedule().group_name(&self.settings.group).name(&copy.name);
        let updated = update
            .description(&copy.description)
            .schedule_expression(&copy.expression)
            .schedule_expression_timezone(&copy.time_zone)
            .state(copy.state.clone())
            .target(copy.target.clone())
            .flexible_time_window(copy.window.clone())
            .send()
            .await;
        match updated {
            Ok(_) => Ok(true),
            Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_not_found_exception()) => {
                Ok(false)
            }
            Err(error) => Err(Failure::aws("UpdateSchedule", &error)),
        }
    }

    /// Deletes a copy. Succeeds if it does not exist.
    pub(super) async fn delete(&self, name: &str) -> Result<(), Failure> {
        let deletion = self.client().await.delete_schedule().group_name(&self.settings.group).name(name);
        match deletion.send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_not_found_exception()) => {
                Ok(())
            }
            Err(error) => Err(Failure::aws("DeleteSchedule", &error)),
        }
    }

    /// Whether the copy in AWS is identical.
    pub(super) async fn holds(&self, copy: &Copy) -> Result<bool, Failure> {
        let question = self.client().await.get_schedule().group_name(&self.settings.group).name(&copy.name);
        match question.send().await {
            Ok(held) => Ok(copy.is(&held)),
            Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_not_found_exception()) => {
                Ok(false)
            }
            Err(error) => Err(Failure::aws("GetSchedule", &error)),
        }
    }
}

impl ScheduleDriver for EventBridgeDriver {
    fn check(&self, field: &str, cron: &Cron) -> Result<(), ApiError> {
        Ok(cron.to_aws(field).map(drop)?)
    }

    /// Twice the precision of EventBridge Scheduler. It misses firings in the gap when clocks move forward (see
    /// [`Cron::to_aws`]), and firings whose retries are exhausted.
    fn patience(&self) -> Duration {
        Duration::from_secs(120)
    }

    fn changed<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), ApiError>> {
        async move { Ok(self.mirror(id).await?) }.boxed()
    }
}
