//! Makes the schedule group hold what the rows say, one schedule at a time.

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

/// A caller waits for these calls; AWS answers within tens of milliseconds.
const ATTEMPT: Duration = Duration::from_secs(3);
const CALL: Duration = Duration::from_secs(8);
/// How often a schedule that others change all the time is mirrored before they are left to it.
const ROUNDS: usize = 8;

/// Keeps copies of the schedules in one schedule group.
pub(crate) struct EventBridgeDriver {
    pub(super) settings: EventBridge,
    pub(super) database: Database,
    /// Made when it is needed first: most environments only fire and deliver.
    client: OnceCell<Client>,
}

/// Why the group does not hold what it should, or is not known to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Postgres.
    #[error(transparent)]
    Store(#[from] sigpost_store::Error),
    /// AWS refused or did not answer; the text is for the log.
    #[error("{call}: {cause}")]
    Aws {
        /// What was asked of it.
        call: &'static str,
        /// The SDK's error.
        cause: String,
    },
    /// EventBridge Scheduler has no such expression.
    #[error(transparent)]
    Unsupported(#[from] Invalid),
    /// Others change the schedule all the time.
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

    /// Makes the group hold what the row of this schedule says, and marks the row.
    ///
    /// Whoever finds the row changed after writing to AWS begins again. So the last of any number
    /// of writers leaves what the row says, in whatever order they got there.
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

    /// The names of what the group holds; of those that begin so, or of all that are ours.
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

    /// Creates or replaces a copy. Whether it is held is known from a list, which may be a little
    /// behind: AWS says the other thing, and that is done then.
    async fn put(&self, copy: &Copy, is_held: bool) -> Result<(), Failure> {
        let done = if is_held { self.update(copy).await? } else { self.create(copy).await? };
        match (done, is_held) {
            (true, _) => Ok(()),
            (false, true) => self.create(copy).await.map(drop),
            (false, false) => self.update(copy).await.map(drop),
        }
    }

    /// `false` when there is one with its name.
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

    /// `false` when there is none with its name. What is not given goes back to its default.
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

    /// One that is gone already is fine.
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

    /// Whether AWS holds exactly this.
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

    /// Twice its precision. It loses what falls into the gap when clocks go forward, which ours does
    /// not (see [`Cron::to_aws`]), and what it gives up.
    fn patience(&self) -> Duration {
        Duration::from_secs(120)
    }

    fn changed<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), ApiError>> {
        async move { Ok(self.mirror(id).await?) }.boxed()
    }
}
