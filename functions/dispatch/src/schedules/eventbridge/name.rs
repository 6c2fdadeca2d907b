//! The names of a schedule's copies.
//!
//! `nightly.<40 hexadecimal digits>.1`: the beginning of the ID for readers of the AWS console, the hash of the ID, and the
//! number of the copy, because an expression may need several. AWS allows 64 characters of `0-9a-zA-Z-_.` (API reference,
//! `CreateSchedule`, `Name`).

use sha2::{Digest, Sha256};
use sigpost_qstash::cron::MOST_AWS_SCHEDULES;

/// Number of characters of the ID. With hash, number and periods the maximum length is 64.
const READABLE: usize = 21;
/// The first 160 bits of the hash, which makes collisions impossible in practice.
const HASH_DIGITS: usize = 40;
/// The maximum number of a copy: one digit.
const MOST: usize = 9;
const _: () = assert!(MOST_AWS_SCHEDULES <= MOST);

/// Returns the prefix of the names of all copies of this schedule, and of no others.
pub(super) fn prefix(id: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let readable: String = id.chars().take(READABLE).map(|c| if allowed(c) { c } else { '-' }).collect();
    let mut hash = hash(id);
    hash.truncate(HASH_DIGITS);
    format!("{readable}.{hash}.")
}

/// Returns the SHA-256 hash of a text as 64 hexadecimal digits.
pub(super) fn hash(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the name of the copy with this 1-based number.
pub(super) fn name(id: &str, number: usize) -> String {
    format!("{}{number}", prefix(id))
}

/// Returns the prefix of a copy's name; `None` for names of another form.
pub(super) fn prefix_of(name: &str) -> Option<&str> {
    let (prefix, number) = name.split_at(name.rfind('.')? + 1);
    let (readable, hash) = prefix.strip_suffix('.')?.rsplit_once('.')?;
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let is_number = matches!(number.as_bytes(), [b'1'..=b'9']);
    let is_ours = is_number && readable.len() <= READABLE && hash.len() == HASH_DIGITS && hash.bytes().all(is_digit);
    is_ours.then_some(prefix)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{MOST, name, prefix, prefix_of};

    fn is_allowed(name: &str) -> bool {
        (1..=64).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    }

    #[test]
    fn a_name_shows_the_id_and_never_changes() {
        // A change would orphan the existing copies in EventBridge Scheduler.
        assert_eq!(name("nightly-1.2_3", 1), "nightly-1.2_3.e80da0b96c159bb4210a824f10993c9562adf641.1");
        assert!(name("a very long id with spaces", 2).starts_with("a-very-long-id-with-s."));
        assert!(name("", 1).starts_with('.'));
    }

    #[test]
    fn what_this_rule_does_not_make_is_not_ours() {
        let hash = "0123456789abcdef0123456789abcdef01234567";
        assert_eq!(prefix_of(&format!("a.b.{hash}.9")), Some(&*format!("a.b.{hash}.")));
        for name in [
            "nightly".to_owned(),
            format!("nightly.{hash}"),
            format!("{hash}.1"),
            format!("nightly.{hash}."),
            format!("nightly.{hash}.0"),
            format!("nightly.{hash}.10"),
            format!("nightly.{hash}.a"),
            format!("nightly.{}.1", hash.to_uppercase()),
            format!("nightly.{}.1", &hash[1..]),
            format!("a-name-of-22-letters--.{hash}.1"),
        ] {
            assert_eq!(prefix_of(&name), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn every_id_has_names_that_are_allowed_and_recognised(id in ".{0,300}", number in 1..=MOST) {
            let name = name(&id, number);
            prop_assert!(is_allowed(&name), "{name}");
            prop_assert_eq!(prefix_of(&name), Some(&*prefix(&id)));
        }

        // Similar IDs: only truncated or replaced characters differ.
        #[test]
        fn different_copies_have_different_names(
            ids in proptest::collection::hash_set("(a{18,24}|[a. ü/]{1,3}|[A-Za-z]{1,2})\\.?1?", 2..20),
        ) {
            let all = || ids.iter().flat_map(|id| [1, 9].map(|number| name(id, number)));
            prop_assert_eq!(all().collect::<std::collections::HashSet<_>>().len(), all().count());
            // No schedule's prefix covers another one's names.
            for id in &ids {
                prop_assert_eq!(all().filter(|name| name.starts_with(&prefix(id))).count(), 2);
            }
        }
    }
}
