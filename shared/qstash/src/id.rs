//! Identifiers as they appear on the wire.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::base58;

/// A text that is not an identifier of the expected kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a {expected}")]
pub struct InvalidId {
    /// The expected kind, such as "message id".
    pub expected: &'static str,
}

/// A message ID: `msg_` and the base58 form of a version 7 UUID. IDs sort by age in the database and are safe in a
/// URL path.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
#[schemars(with = "String")]
pub struct MessageId(pub Uuid);

impl MessageId {
    const PREFIX: &str = "msg_";

    /// Creates an ID. It reads the system clock and randomness, the one exception to this crate's "no clock": the
    /// time in an ID decides nothing, it only keeps inserts on few index pages.
    #[expect(clippy::new_without_default, reason = "a default id that differs on every call would surprise")]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// Returns the ID of a callback, which follows from that of the message: a callback that is sent twice is one
    /// message, and a user can look it up.
    ///
    /// It is a UUID of version 7 as well. Its first 48 bits, the time, are those of `source`, so that it is stored
    /// next to it. The other 80 bits are the first of `SHA-256(source ‖ kind ‖ retried)`, where `source` is the 16
    /// bytes of its UUID, `kind` is `callback` or `failure-callback` in ASCII, and `retried` (0 for the first
    /// attempt) is four bytes, big-endian; the six bits for version and variant are then set as in RFC 9562.
    pub fn of_callback(source: Self, kind: CallbackKind, retried: u32) -> Self {
        let hash = Sha256::new_with_prefix(source.0.as_bytes())
            .chain_update(kind.as_str())
            .chain_update(retried.to_be_bytes())
            .finalize();
        Self::beside(source, &hash)
    }

    /// Returns the ID of a follow-up job, which a run of `source` enqueues in the transaction that finishes it. It
    /// follows the scheme of [`of_callback`](Self::of_callback), with `SHA-256(source ‖ "follow-up" ‖ number)`, where
    /// `number` counts the run's follow-ups from 0 and is four bytes, big-endian: a repeated run creates the same
    /// messages.
    pub fn of_follow_up(source: Self, number: u32) -> Self {
        let hash = Sha256::new_with_prefix(source.0.as_bytes())
            .chain_update("follow-up")
            .chain_update(number.to_be_bytes())
            .finalize();
        Self::beside(source, &hash)
    }

    /// Combines the time of `source` and the first 80 bits of a hash.
    fn beside(source: Self, hash: &[u8]) -> Self {
        let mut bytes = *source.0.as_bytes();
        for (byte, of_hash) in bytes[6..].iter_mut().zip(hash) {
            *byte = *of_hash;
        }
        bytes[6] = 0x70 | (bytes[6] & 0x0f);
        bytes[8] = 0x80 | (bytes[8] & 0x3f);
        Self(Uuid::from_bytes(bytes))
    }
}

/// The kind of a callback, which is part of its ID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallbackKind {
    /// `Upstash-Callback`: after every attempt.
    Callback,
    /// `Upstash-Failure-Callback`: after the last failure.
    FailureCallback,
}

impl CallbackKind {
    /// Returns its name in the formula of [`MessageId::of_callback`]. Never changes.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Callback => "callback",
            Self::FailureCallback => "failure-callback",
        }
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::PREFIX)?;
        f.write_str(&base58::encode(self.0.into_bytes()))
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for MessageId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = InvalidId { expected: "message id" };
        let encoded = text.strip_prefix(Self::PREFIX).ok_or(invalid)?;
        // Decoding base58 takes quadratic time, so the length is checked first.
        if encoded.len() > base58::MAX_LENGTH {
            return Err(invalid);
        }
        let mut bytes = [0; 16];
        match bs58::decode(encoded).onto(&mut bytes) {
            Ok(16) => Ok(Self(Uuid::from_bytes(bytes))),
            _ => Err(invalid),
        }
    }
}

/// An entry of the dead-letter queue: `<unix ms>-<sequence>`, e.g. `1725323658779-0`
/// (QStash docs, "Callbacks").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
#[schemars(with = "String")]
pub struct DeadLetterId {
    /// When the message failed, unix milliseconds, not negative.
    pub failed_at_ms: i64,
    /// Distinguishes entries of the same millisecond, not negative.
    pub seq: i64,
}

impl fmt::Display for DeadLetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.failed_at_ms, self.seq)
    }
}

impl FromStr for DeadLetterId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        text.split_once('-')
            .and_then(|(at, seq)| Some(Self { failed_at_ms: digits(at)?, seq: digits(seq)? }))
            .ok_or(InvalidId { expected: "dead letter id" })
    }
}

/// The end of a page of events: `<unix ms>-<sequence>`.
///
/// A bare number of milliseconds is accepted as well, because the JavaScript SDK documents `cursor = Date.now()`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
#[schemars(with = "String")]
pub struct Cursor {
    /// Unix milliseconds, not negative.
    pub at_ms: i64,
    /// Position within the millisecond, not negative. `None`: the millisecond as a whole.
    pub seq: Option<i64>,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.seq {
            Some(seq) => write!(f, "{}-{seq}", self.at_ms),
            None => write!(f, "{}", self.at_ms),
        }
    }
}

impl FromStr for Cursor {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let parse = || match text.split_once('-') {
            Some((at, seq)) => Some(Self { at_ms: digits(at)?, seq: Some(digits(seq)?) }),
            None => Some(Self { at_ms: digits(text)?, seq: None }),
        };
        parse().ok_or(InvalidId { expected: "cursor" })
    }
}

/// Parses a non-negative number in plain digits, without the sign that `i64::from_str` accepts.
fn digits(text: &str) -> Option<i64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// Creates a `jti` of a signature: `jwt_` and 16 random bytes in base58.
pub fn new_jwt_id() -> String {
    random("jwt_")
}

/// Creates the ID of a schedule whose creator sets none: `scd_` and 16 random bytes in base58.
pub fn new_schedule_id() -> String {
    random("scd_")
}

fn random(prefix: &str) -> String {
    let mut id = String::with_capacity(prefix.len() + base58::MAX_LENGTH);
    id.push_str(prefix);
    id.push_str(&base58::encode(rand::random()));
    id
}

/// Serde through the text form.
macro_rules! serde_as_text {
    ($($id:ty),+) => {$(
        impl Serialize for $id {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $id {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

serde_as_text!(MessageId, DeadLetterId, Cursor);

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{CallbackKind, Cursor, DeadLetterId, MessageId, new_jwt_id, new_schedule_id};

    #[test]
    fn message_ids_are_base58_of_the_uuid() {
        for (uuid, text) in [(Uuid::nil(), "msg_1111111111111111"), (Uuid::max(), "msg_YcVfxkQb6JRzqk5kF2tNLv")] {
            assert_eq!(MessageId(uuid).to_string(), text);
            assert_eq!(text.parse(), Ok(MessageId(uuid)));
        }
        let id = MessageId::new();
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(json, format!("\"{id}\""));
        assert_eq!(serde_json::from_str::<MessageId>(&json).unwrap(), id);
    }

    #[test]
    fn what_is_no_message_id_is_rejected() {
        for text in [
            "",
            "msg_",
            "msg",
            "1111111111111111",
            "MSG_1111111111111111",
            "msg_111111111111111",        // 15 bytes
            "msg_11111111111111111",      // 17 bytes
            "msg_YcVfxkQb6JRzqk5kF2tNLw", // 2^128
            "msg_0000000000000000",       // not base58
            " msg_1111111111111111",
            "msg_1111111111111111 ",
            "msg_26hZCxZCuWyyTWPmSVBrNC1RADwpgWxPcak2rQD51EMjFMuzcW7qYXpPiDyw8Gd",
        ] {
            assert!(text.parse::<MessageId>().is_err(), "{text}");
        }
    }

    #[test]
    fn ids_of_callbacks_follow_the_formula() {
        let source = MessageId("0198d5a2-7c00-7abc-8def-0123456789ab".parse().unwrap());
        // Computed by another program.
        for (kind, retried, id) in [
            (CallbackKind::Callback, 0, "0198d5a2-7c00-7a7f-a3ed-a56e02734cf7"),
            (CallbackKind::Callback, 3, "0198d5a2-7c00-77f6-ad02-c59a36569497"),
            (CallbackKind::FailureCallback, 3, "0198d5a2-7c00-7b1a-931d-2cb9e19f679b"),
        ] {
            let MessageId(uuid) = MessageId::of_callback(source, kind, retried);
            assert_eq!(uuid.to_string(), id);
            assert_eq!((uuid.get_version_num(), uuid.get_variant()), (7, uuid::Variant::RFC4122));
            assert_eq!(uuid.get_timestamp(), source.0.get_timestamp());
        }
    }

    #[test]
    fn dead_letter_ids_are_two_plain_numbers() {
        let id = DeadLetterId { failed_at_ms: 1_725_323_658_779, seq: 0 };
        assert_eq!(id.to_string(), "1725323658779-0");
        assert_eq!("1725323658779-0".parse(), Ok(id));
        for text in ["", "1", "-1", "1-", "-", "1--1", "+1-1", "1-2-3", "1-x", "9223372036854775808-0"] {
            assert!(text.parse::<DeadLetterId>().is_err(), "{text}");
        }
    }

    #[test]
    fn cursors_may_be_a_bare_time() {
        let cursor = |text: &str| text.parse::<Cursor>().map(|cursor| (cursor.at_ms, cursor.seq));
        assert_eq!(cursor("1686652644442-12"), Ok((1_686_652_644_442, Some(12))));
        assert_eq!(cursor("1686652644442"), Ok((1_686_652_644_442, None)));
        for text in ["", "-", "-1", "1-", "-1-1", "1 ", "1e3", "99999999999999999999"] {
            assert!(cursor(text).is_err(), "{text}");
        }
    }

    #[test]
    fn random_ids_differ() {
        for (new, prefix) in [(new_jwt_id as fn() -> String, "jwt_"), (new_schedule_id, "scd_")] {
            let id = new();
            assert!(id.starts_with(prefix) && id.len() > 16 && crate::is_resource_name(&id));
            assert_ne!(id, new());
        }
    }
}
