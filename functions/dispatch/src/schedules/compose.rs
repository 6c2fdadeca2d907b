//! The messages of a firing: those that a publish by hand would make at that time.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sigpost_qstash::{Destination, Limits, Options, Target};
use sigpost_runtime::{AddressPolicy, ApiError};
use sigpost_store::accept::{Deduplicate, NewMessage};
use sigpost_store::schedules::Schedule;
use sigpost_store::{AsyncPgConnection, Error, url_groups};

use crate::api::publish::{check_address, check_callback_addresses, unknown_group};
use crate::deduplicate::Deduplicating;
use crate::publication::{Publication, Recipients};

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
    /// Who gets the messages of a schedule. The inner error is what the schedule shows; with the outer
    /// one, the database's, it stays due.
    pub(super) async fn recipients(
        &self,
        conn: &mut AsyncPgConnection,
        schedule: &Schedule,
    ) -> Result<Result<Recipients, ApiError>, Error> {
        Ok(match Destination::from_raw(&schedule.destination, None) {
            Ok(Target::Url(destination)) => Ok(Recipients::Url(destination)),
            Ok(Target::Group(name)) => {
                let group = url_groups::find(conn, &name).await?;
                group.map(|group| Recipients::Group(Arc::new(group))).ok_or_else(|| unknown_group(&name))
            }
            Err(invalid) => Err(invalid.into()),
        })
    }

    /// The messages of the firing for the time `at`. The error is what the schedule shows.
    pub(super) fn messages(
        &self,
        schedule: &Schedule,
        recipients: &Recipients,
        at: Timestamp,
    ) -> Result<Vec<NewMessage>, ApiError> {
        let params = match recipients {
            Recipients::Url(_) => schedule.parameters.clone(),
            Recipients::Group(group) => schedule.parameters.clone().with_defaults(&group.defaults)?,
        };
        let options = Options::parse(&params, &self.limits, at)?;
        let url = match recipients {
            Recipients::Url(url) => Some(url),
            Recipients::Group(_) => None,
        };
        self.check_addresses(url, &options)?;
        let publication = Publication {
            recipients: recipients.clone(),
            options,
            body: schedule.body.clone(),
            caller_ip: schedule.caller_ip.clone(),
            schedule_id: Some(schedule.id.clone()),
        };
        let mut messages = publication.messages(&self.deduplicating);
        // The creator's own key counts for each firing as for any publish. What makes each firing one is
        // the driver's; the key is for a time in which processes with either driver are at work.
        for (number, new) in messages.iter_mut().enumerate() {
            new.deduplicate.get_or_insert_with(|| Deduplicate {
                key: match recipients {
                    Recipients::Url(_) => format!("schedule:{}:{}", schedule.id, at.as_millisecond()),
                    Recipients::Group(_) => format!("schedule:{}:{}:{number}", schedule.id, at.as_millisecond()),
                },
                window: WINDOW,
                release_on_failure: false,
            });
        }
        Ok(messages)
    }

    /// Refuses what every delivery would refuse. `url` is the destination, if it is one.
    pub(crate) fn check_addresses(&self, url: Option<&Destination>, options: &Options) -> Result<(), ApiError> {
        if let Some(url) = url {
            self.limits.check_destination(url)?;
            check_address(&self.address_policy, url)?;
        }
        check_callback_addresses(&self.address_policy, options)
    }
}
