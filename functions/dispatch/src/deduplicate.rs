//! Deduplication keys of messages.

use std::time::Duration;

use sigpost_qstash::{Deduplication, Options, content_key, endpoint_key, explicit_key};
use sigpost_runtime::settings;
use sigpost_store::accept::Deduplicate;
use sigpost_store::messages::Message;

/// Default deduplication settings of the deployment.
#[derive(Clone, Debug)]
pub struct Deduplicating {
    /// Default deduplication window.
    pub window: Duration,
    /// Default for whether a key is released when its message becomes a dead letter.
    pub release_on_failure: bool,
}

impl Default for Deduplicating {
    /// As in QStash: 10 minutes, for delivered and failed messages.
    fn default() -> Self {
        Self {
            window: Duration::from_secs(settings::DEDUPLICATION_WINDOW_SECONDS.default_as()),
            release_on_failure: settings::DEDUPLICATION_RELEASE_ON_FAILURE.default_as(),
        }
    }
}

/// Returns the deduplication of a message, if its options have one. The key of a message to a URL group includes its
/// endpoint, because all messages of the group have the same ID.
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
