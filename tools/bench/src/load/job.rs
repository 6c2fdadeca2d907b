//! Body of messages: JSON with a number and the time of the publish.

use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;

/// Default length of a body.
pub(crate) const BYTES: usize = 200;
const START: &str = "{\"id\":";
const MIDDLE: &str = ",\"ts\":";
const PAD: &str = ",\"pad\":\"";
const END: &str = "\"}";

/// The body of job number `id`, published at `sent_ns`.
pub(crate) fn body(id: u64, sent_ns: u64) -> Bytes {
    body_of(BYTES, id, sent_ns)
}

/// Like [`body`], with this many bytes.
pub(crate) fn body_of(bytes: usize, id: u64, sent_ns: u64) -> Bytes {
    let mut text = String::with_capacity(bytes);
    let _ = write!(text, "{START}{id}{MIDDLE}{sent_ns}{PAD}");
    text.extend(std::iter::repeat_n('x', (bytes - END.len()).saturating_sub(text.len())));
    text.push_str(END);
    text.into()
}

/// Parses the number and the time of a body that [`body`] wrote.
pub(crate) fn read(body: &[u8]) -> Option<(u64, u64)> {
    let (id, rest) = leading_number(body.strip_prefix(START.as_bytes())?)?;
    let (sent_ns, _) = leading_number(rest.strip_prefix(MIDDLE.as_bytes())?)?;
    Some((id, sent_ns))
}

/// Returns nanoseconds since 1970, by the clock that bench and sink share.
pub(crate) fn now_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

fn leading_number(text: &[u8]) -> Option<(u64, &[u8])> {
    let end = text.iter().position(|byte| !byte.is_ascii_digit())?;
    let (digits, rest) = text.split_at(end);
    Some((std::str::from_utf8(digits).ok()?.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn body_is_json_of_its_length_with_number_and_time() {
        let numbers = [(0, 0), (29_999, 1_795_337_000_123_456_789), (u64::MAX, u64::MAX)];
        for ((id, sent_ns), bytes) in
            numbers.into_iter().flat_map(|number| [BYTES, 10_000].map(|bytes| (number, bytes)))
        {
            let body = body_of(bytes, id, sent_ns);
            assert_eq!(body.len(), bytes);
            assert_eq!(read(&body), Some((id, sent_ns)));
            let json: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
            assert_eq!((json["id"].as_u64(), json["ts"].as_u64()), (Some(id), Some(sent_ns)));
        }
    }

    #[test]
    fn foreign_body_is_rejected() {
        for body in
            ["", "{}", "{\"id\":", "{\"id\":1}", "{\"id\":x,\"ts\":1,", "{\"id\":1,\"ts\":", "{\"id\":1,\"ts\":2"]
        {
            assert_eq!(read(body.as_bytes()), None, "{body}");
        }
    }
}
