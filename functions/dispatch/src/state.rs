//! State of the API's handlers.

use sigpost_qstash::Limits;
use sigpost_runtime::{AddressPolicy, ApiError, KeyRing};
use sigpost_store::database::Connection;
use sigpost_store::{Database, WakeUps};

use crate::api::body::Bodies;
use crate::api::quota::{Quota, Rejected};
use crate::api::streamed::Responses;
use crate::deduplicate::Deduplicating;
use crate::dispatcher::Dispatcher;
use crate::intake::Intake;
use crate::readiness::Readiness;
use crate::schedules::Schedules;
use crate::tokens::Tokens;

/// State that the API's handlers share.
pub(crate) struct State {
    pub(crate) database: Database,
    /// The same database with separate connections for lists.
    pub(crate) lists: Database,
    pub(crate) readiness: Readiness,
    pub(crate) quota: Quota,
    pub(crate) keys: KeyRing,
    /// Memory budget for request bodies.
    pub(crate) bodies: Bodies,
    /// Memory budget for responses.
    pub(crate) responses: Responses,
    pub(crate) intake: Intake,
    /// `Some` if this process delivers.
    pub(crate) dispatcher: Option<Dispatcher>,
    pub(crate) limits: Limits,
    pub(crate) address_policy: AddressPolicy,
    pub(crate) deduplicating: Deduplicating,
    pub(crate) tokens: Tokens,
    pub(crate) schedules: Schedules,
}

impl State {
    /// Returns a connection for a list.
    ///
    /// # Errors
    ///
    /// The database is unavailable, or all connections for lists are in use (if the database accepts writes).
    pub(crate) async fn list_connection(&self) -> Result<Connection, ApiError> {
        match self.lists.connection().await {
            Ok(conn) => Ok(conn),
            Err(_) if self.readiness.test(&self.database).await.is_ok() => Err(ApiError::too_many_lists()),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns which of these queues and keys would exceed a quota.
    pub(crate) async fn rejected(&self, wanted: impl Iterator<Item = String>) -> Rejected {
        self.quota.rejected(&self.database, &self.limits, wanted).await
    }

    /// Passes wake-ups to the dispatcher of this process. Without one, the notification of the statement wakes the other
    /// dispatchers.
    pub(crate) fn wake(&self, wake_ups: WakeUps) {
        if let Some(dispatcher) = &self.dispatcher {
            dispatcher.wake(wake_ups);
        }
    }
}
