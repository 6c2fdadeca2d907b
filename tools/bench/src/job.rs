//! The job of every measurement: a JSON body of 200 bytes with a number and the time of its publish.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;

/// How long the body is.
const BYTES: usize = 200;
const START: &str = "{\"id\":";
const MIDDLE: &str = ",\"ts\":";
const PAD: &str = ",\"pad\":\"";

/// The body of job number `id`, published at `sent_ns`.
pub(crate) fn body(id: u64, sent_ns: u64) -> Bytes {
    let mut text = String::with_capacity(BYTES);
    text.push_str(&format!("{START}{id}{MIDDLE}{sent_ns}{PAD}"));
    while text.len() < BYTES - 2 {
        text.push('x');
    }
    text.push_str("\"}");
    text.into()
}

/// The number and the time of a body, as [`body`] wrote it.
pub(crate) fn read(body: &[u8]) -> Option<(u64, u64)> {
    let (id, rest) = leading_number(body.strip_prefix(START.as_bytes())?)?;
    let (sent_ns, _) = leading_number(rest.strip_prefix(MIDDLE.as_bytes())?)?;
    Some((id, sent_ns))
}

/// Nanoseconds since 1970: the one clock that the bench and the sink share.
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
    fn a_job_is_200_bytes_of_json_and_gives_back_its_number_and_time() {
        for (id, sent_ns) in [(0, 0), (29_999, 1_795_337_000_123_456_789), (u64::MAX, u64::MAX)] {
            let body = body(id, sent_ns);
            assert_eq!(body.len(), BYTES);
            assert_eq!(read(&body), Some((id, sent_ns)));
            let json: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
            assert_eq!((json["id"].as_u64(), json["ts"].as_u64()), (Some(id), Some(sent_ns)));
        }
    }

    #[test]
    fn another_body_is_not_read() {
        for body in
            ["", "{}", "{\"id\":", "{\"id\":1}", "{\"id\":x,\"ts\":1,", "{\"id\":1,\"ts\":", "{\"id\":1,\"ts\":2"]
        {
            assert_eq!(read(body.as_bytes()), None, "{body}");
        }
    }
}
