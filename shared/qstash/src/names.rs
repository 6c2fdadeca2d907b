//! Names on the wire that more than one part of the program needs.
//!
//! Header names are lower-case so that `http::HeaderName::from_static` takes them.

/// The JWT that proves the sender. On every delivery.
pub const UPSTASH_SIGNATURE: &str = "upstash-signature";
/// The message's id, the same on every attempt; receivers use it as idempotency key.
pub const UPSTASH_MESSAGE_ID: &str = "upstash-message-id";
/// How many retries came before this attempt: 0 on the first.
pub const UPSTASH_RETRIED: &str = "upstash-retried";
/// For a redriven message, the id of the message that was published first. Receivers that know this id
/// as completed have nothing to do. QStash does not send it.
pub const UPSTASH_ORIGINAL_MESSAGE_ID: &str = "upstash-original-message-id";
/// Address of whoever published the message.
pub const UPSTASH_CALLER_IP: &str = "upstash-caller-ip";
/// The URL group the message was published to. Only on messages of a group.
pub const UPSTASH_TOPIC_NAME: &str = "upstash-topic-name";
/// The schedule that produced the message. Only on messages of a schedule.
pub const UPSTASH_SCHEDULE_ID: &str = "upstash-schedule-id";
/// The region that sent the message. Known here only so that nobody can forward a forged one.
pub const UPSTASH_REGION: &str = "upstash-region";

/// The place in a trace that a request comes from: see [`Traceparent`](crate::Traceparent).
pub const TRACEPARENT: &str = "traceparent";
/// What a message belongs to, over publishes, runs and follow-up jobs.
pub const X_CORRELATION_ID: &str = "x-correlation-id";
/// Bytes of its value at most: whatever is longer is no id.
pub const MAX_CORRELATION_ID_BYTES: usize = 128;

/// Set to `true` by a destination that wants no further attempt; counts only together with
/// [`NON_RETRYABLE_STATUS`].
pub const NON_RETRYABLE: &str = "upstash-nonretryable-error";
/// The status that goes with [`NON_RETRYABLE`] (QStash docs, "Retry").
pub const NON_RETRYABLE_STATUS: u16 = 489;

/// `User-Agent` of every delivery (QStash docs, "Receiving messages").
pub const USER_AGENT: &str = "Upstash-QStash";

/// The query parameter that may carry the token instead of `Authorization`.
pub const TOKEN_PARAMETER: &str = "qstash_token";

/// What every parameter header and query parameter begins with, in lower case.
pub const PREFIX: &str = "upstash-";

/// What the parameters that QStash does not have begin with, after [`PREFIX`].
pub const EXTENSION_PREFIX: &str = "sigpost-";

/// The headers the dispatcher itself sets on a delivery. A receiver trusts them, so nothing the
/// publisher forwards may take their place.
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

/// Headers that belong to one connection or one request and therefore never travel on, whoever
/// asks for it. RFC 9110 section 7.6.1, plus those a client library computes itself (`Host`,
/// `Content-Length`) and `Expect`, which an HTTP client adds for its own upload.
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
