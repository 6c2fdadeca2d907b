//! Names on the wire that several crates use.
//!
//! Header names are in lower case, as `http::HeaderName::from_static` requires.

/// The JWT that authenticates the sender. On every delivery.
pub const UPSTASH_SIGNATURE: &str = "upstash-signature";
/// The message's ID, the same on every attempt; receivers use it as idempotency key.
pub const UPSTASH_MESSAGE_ID: &str = "upstash-message-id";
/// The number of retries before this attempt: 0 on the first.
pub const UPSTASH_RETRIED: &str = "upstash-retried";
/// For a redriven message, the ID of the original message. Receivers that have completed this ID need not run again.
/// QStash does not send it.
pub const UPSTASH_ORIGINAL_MESSAGE_ID: &str = "upstash-original-message-id";
/// Address of the publisher.
pub const UPSTASH_CALLER_IP: &str = "upstash-caller-ip";
/// The URL group the message was published to. Only on messages of a group.
pub const UPSTASH_TOPIC_NAME: &str = "upstash-topic-name";
/// The schedule that produced the message. Only on messages of a schedule.
pub const UPSTASH_SCHEDULE_ID: &str = "upstash-schedule-id";
/// The region that sent the message. Listed here only so that it cannot be forwarded.
pub const UPSTASH_REGION: &str = "upstash-region";

/// The trace context of a request: see [`Traceparent`](crate::Traceparent).
pub const TRACEPARENT: &str = "traceparent";
/// The correlation ID of a message, passed on to its runs and follow-up jobs.
pub const X_CORRELATION_ID: &str = "x-correlation-id";
/// Maximum length of a correlation ID in bytes; longer ones are ignored.
pub const MAX_CORRELATION_ID_BYTES: usize = 128;

/// Set to `true` by a destination to prevent further attempts; requires [`NON_RETRYABLE_STATUS`] as well.
pub const NON_RETRYABLE: &str = "upstash-nonretryable-error";
/// The status that [`NON_RETRYABLE`] requires (QStash docs, "Retry").
pub const NON_RETRYABLE_STATUS: u16 = 489;

/// `User-Agent` of every delivery (QStash docs, "Receiving messages").
pub const USER_AGENT: &str = "Upstash-QStash";

/// The query parameter that may carry the token instead of `Authorization`.
pub const TOKEN_PARAMETER: &str = "qstash_token";

/// The prefix of every parameter header and query parameter, in lower case.
pub const PREFIX: &str = "upstash-";

/// The prefix of parameters that QStash does not have, after [`PREFIX`].
pub const EXTENSION_PREFIX: &str = "sigpost-";

/// The headers that the dispatcher itself sets on a delivery. Receivers trust them, so forwarded headers cannot
/// replace them.
pub const DELIVERY_HEADERS: [&str; 8] = [
    UPSTASH_SIGNATURE,
    UPSTASH_MESSAGE_ID,
    UPSTASH_RETRIED,
    UPSTASH_ORIGINAL_MESSAGE_ID,
    UPSTASH_CALLER_IP,
    UPSTASH_TOPIC_NAME,
    UPSTASH_SCHEDULE_ID,
    UPSTASH_REGION,
];

/// Headers of one connection or one request, which are never forwarded: RFC 9110 section 7.6.1, plus those that HTTP
/// clients compute (`Host`, `Content-Length`), and `Expect`, which an HTTP client adds for its own upload.
pub const NEVER_FORWARDED: [&str; 13] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Returns the part of a name after `upstash-` in any case. The destination parser uses it too, so that both agree on
/// the query parameters of sigpost.
pub(crate) fn strip_upstash(name: &str) -> Option<&str> {
    let (prefix, parameter) = name.split_at_checked(PREFIX.len())?;
    prefix.eq_ignore_ascii_case(PREFIX).then_some(parameter)
}
