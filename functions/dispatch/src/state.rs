//! What the API's handlers share.

use sigpost_qstash::Limits;
use sigpost_runtime::{AddressPolicy, KeyRing};
use sigpost_store::Database;

use crate::deduplicate::Deduplicating;
use crate::intake::Intake;

/// What the API's handlers work with.
pub(crate) struct State {
    pub(crate) database: Database,
    pub(crate) keys: KeyRing,
    pub(crate) intake: Intake,
    pub(crate) limits: Limits,
    pub(crate) address_policy: AddressPolicy,
    pub(crate) deduplicating: Deduplicating,
    /// SHA-256 of the token: compared as hashes, in constant time whatever the length.
    pub(crate) token_hash: [u8; 32],
}
