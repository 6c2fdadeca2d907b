//! What counts as an e-mail address: enough to refuse what no mail service would take.

use anyhow::Result;
use sigpost_jobs::Invalid;
use sigpost_runtime::env;

/// The longest address by RFC 5321, section 4.5.3.1.3, without the angle brackets.
const MAX_BYTES: usize = 254;
/// The longest name before an address.
const MAX_NAME_BYTES: usize = 200;

/// Accepts `ada@example.com` and `Ada Lovelace <ada@example.com>`. The error does not repeat the address.
pub(crate) fn check(field: &str, text: &str) -> Result<(), Invalid> {
    let address = match text.strip_suffix('>') {
        None => text,
        Some(rest) => match rest.split_once('<') {
            Some((name, address)) if is_name(name) => address,
            _ => return Err(Invalid::new(field, "must be an address, or a name and an address in < >")),
        },
    };
    if is_address(address) { Ok(()) } else { Err(Invalid::new(field, "is not an e-mail address")) }
}

/// The address in this variable, if there is one. The error names the variable.
pub(crate) fn variable(name: &str) -> Result<Option<String>> {
    let address = env::var(name)?;
    if let Some(address) = &address {
        check(name, address)?;
    }
    Ok(address)
}

fn is_name(text: &str) -> bool {
    text.len() <= MAX_NAME_BYTES && !text.chars().any(|c| c.is_control() || "<>@,;\"\\".contains(c))
}

fn is_address(text: &str) -> bool {
    text.len() <= MAX_BYTES && text.split_once('@').is_some_and(|(local, domain)| is_local(local) && is_domain(domain))
}

/// The dot-atom of RFC 5322, section 3.2.3. Nobody sends to a quoted string.
fn is_local(text: &str) -> bool {
    let is_atom = |atom: &str| {
        !atom.is_empty()
            && atom.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte))
    };
    text.len() <= 64 && text.split('.').all(is_atom)
}

/// A name with a dot in it: nothing else is reachable by mail from outside.
fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.contains('.') && text.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn addresses_with_and_without_a_name_are_accepted() {
        for text in [
            "ada@example.com",
            "a.b+c@x-y.example.co.uk",
            "Ada <ada@example.com>",
            "<ada@example.com>",
            "o'neill@example.ie",
        ] {
            assert_eq!(check("to", text), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_no_mail_service_takes_is_refused_without_repeating_it() {
        for text in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "ada@localhost",
            "ada@@example.com",
            "ada @example.com",
            "ada@exa mple.com",
            "ada@example.com\r\nBcc: eve@example.com",
            "Ada ada@example.com>",
            "A <b> <ada@example.com>",
            ".ada@example.com",
            "ada..b@example.com",
            "ada@-example.com",
            "ada@example..com",
            "a@example.com,b@example.com",
            "Ada\n <ada@example.com>",
        ] {
            let error = check("to", text).expect_err(text).to_string();
            assert!(error.starts_with("to: "), "{error}");
            assert!(text.is_empty() || !error.contains(text), "{error}");
        }
    }
}
