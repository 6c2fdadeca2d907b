//! Lists of addresses; in JSON one address or an array.

use std::fmt;

use serde::Deserializer;
use serde::de::{SeqAccess, Visitor};

use super::address;
use crate::Invalid;

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
        many => check_list(field, many),
    }
}

/// As [`check`], for a field that is always a list: the error has an index even if there is one address.
///
/// # Errors
///
/// There are more than 50 addresses, or one is invalid.
pub fn check_list(field: &str, addresses: &[String]) -> Result<(), Invalid> {
    if addresses.len() > MAX_ADDRESSES {
        return Err(Invalid::new(field, format!("must be at most {MAX_ADDRESSES} addresses")));
    }
    addresses.iter().enumerate().try_for_each(|(index, one)| address::check(&format!("{field}[{index}]"), one))
}

/// Reads `"ada@example.com"` as well as `["ada@example.com", "bob@example.com"]`. `null` is an empty list.
pub(super) fn one_or_many<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
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

#[cfg(test)]
mod tests {
    use super::check_list;

    #[test]
    fn recipients_are_named_by_their_number() {
        let checked = |recipients: &[&str]| {
            let recipients: Vec<String> = recipients.iter().map(|text| (*text).to_owned()).collect();
            check_list("recipients", &recipients).map_err(|invalid| invalid.to_string())
        };
        assert_eq!(checked(&[]), Ok(()));
        assert_eq!(checked(&["ada@example.com", "b.o+b@a.b.example"]), Ok(()));
        for wrong in ["ada", "@example.com", "ada@example", "a@b.example,c@d.example", "a@b.example\r\nBcc: x", ""] {
            assert_eq!(checked(&["ada@example.com", wrong]), Err("recipients[1]: is not an e-mail address".into()));
        }
        assert_eq!(checked(&["a@b.example"; 51]), Err("recipients: must be at most 50 addresses".into()));
    }
}
