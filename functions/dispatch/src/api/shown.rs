//! Redaction of messages in responses: `Upstash-Redact-Fields`.

use bytes::Bytes;
use sigpost_qstash::{Callback, Headers, Redact};
use sigpost_store::messages::Message;
use sigpost_store::record::Response;

/// Redacted headers and body of a message.
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

/// Redacts a response. The receiver of a callback may echo the callback, so its response is redacted. The response of a
/// destination is not, as in QStash.
pub(crate) fn response(message: &Message, response: Response) -> Response {
    if message.callback_of.is_none() {
        return response;
    }
    let redact = &message.extras.redact;
    Response { header: redact.header(&response.header), body: redact.body(response.body), ..response }
}

/// Returns the URL and the headers of a callback. The redaction of its message applies too.
pub(crate) fn callback_parts(callback: Option<Box<Callback>>, of_message: &Redact) -> (Option<String>, Headers) {
    match callback {
        Some(callback) => {
            let redact = callback.options.redact.union(of_message);
            (Some(callback.url.as_str().to_owned()), redact.header(&callback.options.headers))
        }
        None => (None, Headers::default()),
    }
}
