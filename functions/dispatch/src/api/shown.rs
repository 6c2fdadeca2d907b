//! What of a message its readers see: `Upstash-Redact-Fields` and user info of URLs are hidden here, for every list.

use bytes::Bytes;
use sigpost_qstash::{Callback, Headers, Redact};
use sigpost_store::messages::Message;
use sigpost_store::record::Response;

/// Headers and body of a message, as they may be shown.
pub(crate) struct Shown {
    pub(crate) header: Headers,
    pub(crate) body: Bytes,
}

impl Shown {
    pub(crate) fn of(message: &Message) -> Self {
        let (redact, body) = (&message.extras.redact, message.body.clone());
        let body = if message.callback_of.is_some() { redact.callback_body(body) } else { redact.body(body) };
        Self { header: redact.header(&message.header), body }
    }
}

/// A response as it may be shown. A callback's receiver may repeat what the callback told it; a destination's response
/// is its own, and not redacted, as in QStash.
pub(crate) fn response(message: &Message, response: Response) -> Response {
    if message.callback_of.is_none() {
        return response;
    }
    let redact = &message.extras.redact;
    Response { header: redact.header(&response.header), body: redact.body(response.body), ..response }
}

/// A callback's URL and headers, which the wire shows apart. It hides what its message hides, too.
pub(crate) fn callback_parts(callback: Option<Box<Callback>>, of_message: &Redact) -> (Option<String>, Headers) {
    match callback {
        Some(callback) => {
            let redact = callback.options.redact.union(of_message);
            (Some(callback.url.as_str().to_owned()), redact.header(&callback.options.headers))
        }
        None => (None, Headers::default()),
    }
}
