//! Creates the messages of a firing, as a publish at that time would.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sigpost_qstash::{Destination, Limits, Options, Target};
use sigpost_runtime::{AddressPolicy, ApiError};
use sigpost_store::accept::{Deduplicate, NewMessage};
use sigpost_store::schedules::Schedule;
use sigpost_store::url_groups::UrlGroup;
use sigpost_store::{AsyncPgConnection, Error, url_groups};

use crate::api::publish::{check_address, check_callback_addresses, unknown_group};
use crate::deduplicate::Deduplicating;
use crate::publication::{Publication, Recipients};

/// Deduplication window of a firing: EventBridge Scheduler retries for this time.
const WINDOW: Duration = Duration::from_secs(24 * 60 * 60);

/// The URL groups to which schedules publish.
pub(super) struct Groups(HashMap<String, Arc<UrlGroup>>);

impl Groups {
    /// Reads the URL groups of these schedules with at most one statement.
    pub(super) async fn of<'a>(
        conn: &mut AsyncPgConnection,
        schedules: impl Iterator<Item = &'a Schedule>,
    ) -> Result<Self, Error> {
        let names: BTreeSet<String> = schedules
            .filter_map(|schedule| match Destination::from_raw(&schedule.destination, None) {
                Ok(Target::Group(name)) => Some(name),
                Ok(Target::Url(_)) | Err(_) => None,
            })
            .collect();
        if names.is_empty() {
            return Ok(Self(HashMap::new()));
        }
        let groups = url_groups::find_many(conn, names.iter().map(String::as_str).collect()).await?;
        Ok(Self(groups.into_iter().map(|group| (group.name.clone(), Arc::new(group))).collect()))
    }

    /// Returns the recipients of a schedule. The schedule shows the error.
    fn recipients(&self, schedule: &Schedule) -> Result<Recipients, ApiError> {
        match Destination::from_raw(&schedule.destination, None)? {
            Target::Url(destination) => Ok(Recipients::Url(destination)),
            Target::Group(name) => {
                let group = self.0.get(&name).ok_or_else(|| unknown_group(&name))?;
                Ok(Recipients::Group(Arc::clone(group)))
            }
        }
    }
}

/// Creates the messages of schedules. The limits of the deployment apply to each firing.
#[derive(Clone, Debug)]
pub(crate) struct Composer {
    pub(crate) limits: Limits,
    pub(crate) address_policy: AddressPolicy,
    pub(crate) deduplicating: Deduplicating,
}

impl Composer {
    /// Creates the messages of the firing for the time `at`. The schedule shows the error.
    pub(super) fn messages(
        &self,
        schedule: &Schedule,
        groups: &Groups,
        at: Timestamp,
    ) -> Result<Vec<NewMessage>, ApiError> {
        let recipients = groups.recipients(schedule)?;
        let params = match &recipients {
            Recipients::Url(_) => schedule.parameters.clone(),
            Recipients::Group(group) => schedule.parameters.clone().with_defaults(&group.defaults)?,
        };
        let options = Options::parse(&params, &self.limits, at)?;
        let url = match &recipients {
            Recipients::Url(url) => Some(url),
            Recipients::Group(_) => None,
        };
        self.check_addresses(url, &options)?;
        let publication = Publication {
            recipients,
            options,
            body: schedule.body.clone(),
            caller_ip: schedule.caller_ip.clone(),
            schedule_id: Some(schedule.id.clone()),
        };
        let mut messages = publication.messages(&self.deduplicating);
        // A deduplication ID of the schedule applies to each firing as to any publish. Each driver prevents repeated
        // firings; this key covers a transition during which both drivers run.
        for (number, new) in messages.iter_mut().enumerate() {
            new.deduplicate.get_or_insert_with(|| Deduplicate {
                key: match &publication.recipients {
                    Recipients::Url(_) => format!("schedule:{}:{}", schedule.id, at.as_millisecond()),
                    Recipients::Group(_) => format!("schedule:{}:{}:{number}", schedule.id, at.as_millisecond()),
                },
                window: WINDOW,
                release_on_failure: false,
            });
        }
        Ok(messages)
    }

    /// Rejects addresses that every delivery would reject. `url` is the destination, unless it is a URL group.
    pub(crate) fn check_addresses(&self, url: Option<&Destination>, options: &Options) -> Result<(), ApiError> {
        if let Some(url) = url {
            self.limits.check_destination(url)?;
            check_address(&self.address_policy, url)?;
        }
        check_callback_addresses(&self.address_policy, options)
    }
}
