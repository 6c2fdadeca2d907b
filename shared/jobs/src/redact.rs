//! Redaction of secrets in records, responses and logs. In doubt it redacts too much.
//!
//! Errors are texts of providers and libraries, so they are searched for patterns of secrets. Payloads are searched by
//! field names, and for URLs with secrets.

use std::sync::LazyLock;

use regex_lite::{Captures, Regex};
use serde_json::Value;

/// Replacement of redacted text.
const REDACTED: &str = "[redacted]";
/// Maximum length of an error in bytes. The rest is truncated.
const MAX_ERROR_BYTES: usize = 8 * 1024;
/// Parts of names of secret fields, in lower case without separators.
const SECRET_NAMES: [&str; 8] =
    ["password", "passwd", "secret", "token", "apikey", "authorization", "credential", "privatekey"];

/// User, password and query of a URL: reset links and signed URLs have their secret in the query.
static URL: LazyLock<Regex> =
    LazyLock::new(|| regex(r#"\b([A-Za-z][A-Za-z0-9+.-]*://)([^\s/@"'<>]+@)?([^\s?"'<>]*)(\?[^\s"'<>]*)?"#));
/// `Bearer ...`, `password=...`, `"apiKey": "..."`, keys by the prefixes of well-known services, JWTs.
static SECRET: LazyLock<Regex> = LazyLock::new(|| {
    regex(concat!(
        r"(?i)\b((?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{8,}",
        r#"|([A-Za-z0-9_-]*(?:password|passwd|secret|token|api[_-]?key|authorization|credentials?|private[_-]?key)["']?\s*[:=]\s*)"#,
        r#"(?:"[^"]*"|'[^']*'|(?:(?:bearer|basic)\s+)?[^\s"',;&}]+)"#,
        r"|\b(?:re|sk|pk|rk|whsec|sig|ghp|xoxb|xoxp)_[A-Za-z0-9_]{8,}",
        r"|\bAKIA[0-9A-Z]{16}\b",
        r"|\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*",
    ))
});
static EMAIL: LazyLock<Regex> = LazyLock::new(|| regex(r"[A-Za-z0-9._%+-]+@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}"));

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap_or_else(|why| unreachable!("a constant, and a test uses it: {why}"))
}

/// Redacts credentials and e-mail addresses in an error and truncates it to 8 KiB.
pub fn redact(error: &str) -> String {
    let text = &error[..error.floor_char_boundary(MAX_ERROR_BYTES)];
    let text = redact_urls(text);
    let text = SECRET.replace_all(&text, |found: &Captures<'_>| {
        let before = found.get(1).or(found.get(2)).map_or("", |before| before.as_str());
        format!("{before}{REDACTED}")
    });
    EMAIL.replace_all(&text, "[e-mail]").into_owned()
}

/// Redacts a payload for the record of the run: values of fields with secret names, at any depth, and secrets in URLs.
pub(crate) fn redact_payload(payload: &mut Value) {
    match payload {
        Value::String(text) if text.contains("://") => *text = redact_urls(text),
        Value::Array(items) => items.iter_mut().for_each(redact_payload),
        Value::Object(fields) => {
            for (name, value) in fields {
                if is_secret(name) && !value.is_null() { *value = REDACTED.into() } else { redact_payload(value) }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn redact_urls(text: &str) -> String {
    let hidden = URL.replace_all(text, |found: &Captures<'_>| {
        let part = |number| found.get(number).map_or("", |part| part.as_str());
        let user = if part(2).is_empty() { String::new() } else { format!("{REDACTED}@") };
        let query = if part(4).len() > 1 { format!("?{REDACTED}") } else { part(4).to_owned() };
        format!("{}{user}{}{query}", part(1), part(3))
    });
    hidden.into_owned()
}

fn is_secret(name: &str) -> bool {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    SECRET_NAMES.iter().any(|secret| name.contains(secret))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn errors_lose_their_secrets_and_keep_their_sense() {
        for (error, kept) in [
            ("Resend: validation_error (422): why", "Resend: validation_error (422): why"),
            ("cannot reach postgres://app:s3cret@db:5432/jobs", "cannot reach postgres://[redacted]@db:5432/jobs"),
            ("GET https://a.example/reset?token=abc&x=1 failed", "GET https://a.example/reset?[redacted] failed"),
            ("sent Authorization: Bearer abcdef123456", "sent Authorization: [redacted]"),
            ("with Bearer abcdef123456, rejected", "with Bearer [redacted], rejected"),
            (r#"{"apiKey": "k-123", "password":"x y"}"#, r#"{"apiKey": [redacted], "password":[redacted]}"#),
            ("SMTP_PASSWORD=hunter2; host=mail", "SMTP_PASSWORD=[redacted]; host=mail"),
            ("key sk_live_12345678abc and re_12345678abc", "key [redacted] and [redacted]"),
            ("jwt eyJhbGciOi.eyJzdWIi.c2ln ended", "jwt [redacted] ended"),
            ("no such user ada.l@mail.example.com", "no such user [e-mail]"),
            ("é ist kein Geheimnis", "é ist kein Geheimnis"),
        ] {
            assert_eq!(redact(error), kept);
        }
        assert_eq!(redact(&"é".repeat(MAX_ERROR_BYTES)).len(), MAX_ERROR_BYTES);
    }

    #[test]
    fn payloads_lose_what_is_named_like_a_secret_at_any_depth() {
        let mut payload = json!({
            "to": "ada@example.com", "apiKey": "k", "list": [{ "new_password": "p", "n": 1 }], "token": null,
            "data": { "resetUrl": "https://a.example/reset?t=abc", "secretSanta": { "a": 1 } },
        });
        redact_payload(&mut payload);
        let kept = json!({
            "to": "ada@example.com", "apiKey": "[redacted]", "list": [{ "new_password": "[redacted]", "n": 1 }],
            "token": null,
            "data": { "resetUrl": "https://a.example/reset?[redacted]", "secretSanta": "[redacted]" },
        });
        assert_eq!(payload, kept);
    }
}
