//! Lists of addresses; in JSON one address or an array.

use std::fmt;

use serde::Deserializer;
use serde::de::{SeqAccess, Visitor};
use sigpost_jobs::Invalid;

use crate::address;

/// Maximum number of addresses in a list, a limit of Resend.
const MAX_ADDRESSES: usize = 50;

/// Checks the addresses of a list. The error names the invalid one, by its index if there are several.
///
/// # Errors
///
/// There are more than 50 addresses, or one is invalid.
pub fn check(field: &str, addresses: &[String]) -> Result<(), Invalid> {
    match addresses {
        [one] => address::check(field, one),
        many if many.len() > MAX_ADDRESSES => {
            Err(Invalid::new(field, format!("must be at most {MAX_ADDRESSES} addresses")))
        }
        many => many.iter().enumerate().try_for_each(|(index, one)| address::check(&format!("{field}[{index}]"), one)),
    }
}

/// Reads `"ada@example.com"` as well as `["ada@example.com", "bob@example.com"]`. `null` is an empty list.
pub(crate) fn one_or_many<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    struct OneOrMany;

    impl<'de> Visitor<'de> for OneOrMany {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an address or a list of addresses")
        }

        fn visit_unit<E>(self) -> Result<Vec<String>, E> {
            Ok(Vec::new())
        }

        fn visit_str<E>(self, one: &str) -> Result<Vec<String>, E> {
            Ok(vec![one.to_owned()])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut many: A) -> Result<Vec<String>, A::Error> {
            let mut addresses = Vec::new();
            while let Some(address) = many.next_element()? {
                addresses.push(address);
            }
            Ok(addresses)
        }
    }

    from.deserialize_any(OneOrMany)
}
