//! The key under which a message is looked for before it is stored.

use std::time::Duration;

use sigpost_qstash::{Deduplication, Options, content_key, endpoint_key, explicit_key};
use sigpost_store::accept::Deduplicate;
use sigpost_store::messages::Message;

/// What a message's options and the deployment's say of deduplication.
#[derive(Clone, Debug)]
pub struct Deduplicating {
    /// How long a key is taken, where the message does not say.
    pub window: Duration,
    /// Whether a key is free again when its message fails for good, where the message does not say.
    pub release_on_failure: bool,
}

impl Default for Deduplicating {
    /// As QStash: 10 minutes, whatever becomes of the message.
    fn default() -> Self {
        Self { window: Duration::from_secs(600), release_on_failure: false }
    }
}

/// What the sender asked for, if anything, made into a key. Of a message to a URL group the key is
/// that of its endpoint: the others of the group have the same id.
pub(crate) fn deduplicate(options: &Options, message: &Message, defaults: &Deduplicating) -> Option<Deduplicate> {
    let key = match options.deduplication.as_ref()? {
        Deduplication::Id(id) if message.extras.topic_name.is_some() => endpoint_key(id, &message.url),
        Deduplication::Id(id) => explicit_key(id),
        Deduplication::Content => content_key(&message.url, &message.header, &message.body),
    };
    Some(Deduplicate {
        key,
        window: options.deduplication_window.unwrap_or(defaults.window),
        release_on_failure: options.deduplication_release_on_failure.unwrap_or(defaults.release_on_failure),
    })
}
