//! The key under which a message is looked for before it is stored.

use std::time::Duration;

use sigpost_qstash::{Deduplication, content_key, explicit_key};
use sigpost_store::accept::Deduplicate;
use sigpost_store::messages::Message;

/// What the sender asked for, if anything, made into a key that is taken for `window`.
pub(crate) fn deduplicate(
    asked_for: Option<Deduplication>,
    message: &Message,
    window: Duration,
) -> Option<Deduplicate> {
    let key = match asked_for? {
        Deduplication::Id(id) => explicit_key(&id),
        Deduplication::Content => content_key(&message.url, &message.header, &message.body),
    };
    Some(Deduplicate { key, window })
}
