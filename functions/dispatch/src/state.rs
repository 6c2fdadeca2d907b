//! What the API's handlers share.

use sigpost_qstash::Limits;
use sigpost_runtime::{AddressPolicy, KeyRing};
use sigpost_store::Database;

use crate::deduplicate::Deduplicating;
use crate::engine::Engine;
use crate::intake::Intake;
use crate::schedules::Schedules;
use crate::tokens::Tokens;

/// What the API's handlers work with.
pub(crate) struct State {
    pub(crate) database: Database,
    pub(crate) keys: KeyRing,
    pub(crate) intake: Intake,
    /// When this process delivers.
    pub(crate) engine: Option<Engine>,
    pub(crate) limits: Limits,
    pub(crate) address_policy: AddressPolicy,
    pub(crate) deduplicating: Deduplicating,
    pub(crate) tokens: Tokens,
    pub(crate) schedules: Schedules,
}
