//! The messages of a firing: those that a publish by hand would make at that time.

use std::time::Duration;

use jiff::Timestamp;
use sigpost_qstash::{Destination, Limits, MessageId, Options, Target};
use sigpost_runtime::{AddressPolicy, ApiError};
use sigpost_store::accept::{Deduplicate, NewMessage};
use sigpost_store::messages::{Extras, Message};
use sigpost_store::schedules::Schedule;

use crate::api::publish::DEFAULT_RETRIES;
use crate::deduplicate::{Deduplicating, deduplicate};

/// How long the key of a firing stays taken: as long as EventBridge Scheduler goes on trying.
const WINDOW: Duration = Duration::from_secs(24 * 60 * 60);

/// What is needed to make a schedule's messages. The deployment's bounds hold for each firing anew.
#[derive(Clone, Debug)]
pub(crate) struct Composer {
    pub(crate) limits: Limits,
    pub(crate) address_policy: AddressPolicy,
    pub(crate) deduplicating: Deduplicating,
}

impl Composer {
    /// The messages of the firing for the time `at`. The error is what the schedule shows.
    pub(super) fn messages(&self, schedule: &Schedule, at: Timestamp) -> Result<Vec<NewMessage>, ApiError> {
        let target = Destination::from_raw(&schedule.destination, None)?;
        let options = Options::parse(&schedule.parameters, &self.limits, at)?;
        self.check_addresses(&target, &options)?;
        match target {
            Target::Url(destination) => Ok(vec![self.message(schedule, &destination, options, at)]),
            Target::Group(name) => Err(ApiError::not_found(format!("topic {name} not found"))),
        }
    }

    /// Refuses what every delivery would refuse.
    pub(crate) fn check_addresses(&self, target: &Target, options: &Options) -> Result<(), ApiError> {
        let destination = match target {
            Target::Url(destination) => Some(destination),
            Target::Group(_) => None,
        };
        destination.map_or(Ok(()), |destination| self.limits.check_destination(destination))?;
        let callbacks = [&options.callback, &options.failure_callback].into_iter().flatten();
        destination.into_iter().chain(callbacks.map(|callback| &callback.url)).try_for_each(|url| {
            self.address_policy.check_url(url.url()).map_err(|refused| ApiError::bad_request(refused.to_string()))
        })
    }

    fn message(&self, schedule: &Schedule, destination: &Destination, options: Options, at: Timestamp) -> NewMessage {
        let message = Message {
            id: MessageId::new(),
            url: destination.as_str().to_owned(),
            method: options.method,
            header: options.headers.clone(),
            body: schedule.body.clone(),
            retries: options.retries.unwrap_or(DEFAULT_RETRIES),
            timeout: options.timeout,
            retry_delay: options.retry_delay.clone(),
            callback: options.callback.clone(),
            failure_callback: options.failure_callback.clone(),
            labels: options.labels.clone(),
            caller_ip: schedule.caller_ip.clone(),
            callback_of: None,
            extras: Extras {
                queue_name: options.queue_name.clone(),
                flow_control: options.flow_control.clone(),
                priority: options.priority,
                schedule_id: Some(schedule.id.clone()),
                redact: options.redact.clone(),
                ..Extras::default()
            },
        };
        // The creator's own key counts for each firing as for any publish. The row's lock and its time
        // are what makes each firing one; the key is for drivers that call twice.
        let deduplicate = deduplicate(&options, &message, &self.deduplicating).unwrap_or_else(|| Deduplicate {
            key: format!("schedule:{}:{}", schedule.id, at.as_millisecond()),
            window: WINDOW,
            release_on_failure: false,
        });
        NewMessage { message, start: options.start, deduplicate: Some(deduplicate) }
    }
}
