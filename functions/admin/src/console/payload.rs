//! Bodies, rendered as plain text: formatted JSON, at most 64 KiB.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::elements::size;

/// Maximum size of the shown text in bytes.
const SHOWN_BYTES: usize = 64 * 1024;

/// A body in the format of the API: text, or base64 if it is not UTF-8.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Payload {
    body: Option<String>,
    body_base64: Option<String>,
}

impl Payload {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        match (&self.body, &self.body_base64) {
            (Some(text), _) => text.clone().into_bytes(),
            (None, Some(encoded)) => from_base64(encoded),
            (None, None) => Vec::new(),
        }
    }
}

/// Decodes base64 of the API. Invalid base64 yields an empty body.
pub(crate) fn from_base64(encoded: &str) -> Vec<u8> {
    STANDARD.decode(encoded).unwrap_or_default()
}

/// Renders a body. `whole` is the path of its download.
pub(crate) fn show(bytes: &[u8], whole: Option<&str>) -> Markup {
    let text = std::str::from_utf8(bytes);
    html! {
        @match text {
            _ if bytes.is_empty() => p.hint { "Empty." },
            Ok(text) if is_sealed(text) => {
                p { (super::elements::badge("waiting", "◆", "sealed"))
                    " The payload is encrypted. Only the handler can decrypt it." }
            }
            Ok(text) => (shown_text(text)),
            Err(_) => p.hint { (size(bytes.len())) " of binary data." },
        }
        @if let (Some(whole), false) = (whole, bytes.is_empty()) {
            p.hint { a href=(whole) download { "Download" } " (" (size(bytes.len())) ")" }
        }
    }
}

/// Renders a text, formatted if it is JSON. Shows at most [`SHOWN_BYTES`].
pub(crate) fn shown_text(text: &str) -> Markup {
    let is_json = text.len() <= SHOWN_BYTES && serde_json::from_str::<IgnoredAny>(text).is_ok();
    let laid_out = if is_json { lay_out(text, SHOWN_BYTES) } else { None };
    let shown = laid_out.as_deref().unwrap_or(text);
    let cut = &shown[..shown.floor_char_boundary(SHOWN_BYTES)];
    html! {
        pre.payload tabindex="0" { code { (cut) } }
        @if cut.len() < shown.len() {
            p.hint { "Truncated: " (size(shown.len() - cut.len())) " more." }
        }
    }
}

/// Returns the bytes as an attachment, which a browser saves and does not render.
pub(crate) fn download(bytes: Vec<u8>, name: &str) -> Response {
    let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')).collect();
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}.txt\""))
        .unwrap_or(HeaderValue::from_static("attachment"));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8")),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    (headers, bytes).into_response()
}

/// `v1.<key id>.<base64url>`: see docs/src/guides/handlers-rust-effects.md.
fn is_sealed(text: &str) -> bool {
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let Some((id, sealed)) = text.strip_prefix("v1.").and_then(|rest| rest.split_once('.')) else { return false };
    let is_word = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    !id.is_empty() && sealed.len() >= 38 && is_word(id) && is_word(sealed)
}

/// Formats JSON with each member on a line of its own. Only whitespace changes: numbers keep their digits, and members
/// their order. Returns `None` if the result would exceed `most` bytes: deeply nested brackets produce mostly
/// indentation, many times as long as the JSON.
fn lay_out(json: &str, most: usize) -> Option<String> {
    let mut out = String::with_capacity(json.len() * 2);
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    let mut rest = json.chars().peekable();
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    while let Some(c) = rest.next() {
        if out.len() + 2 * depth >= most {
            return None;
        }
        if in_text {
            out.push(c);
            in_text = escaped || c != '"';
            escaped = c == '\\' && !escaped;
            continue;
        }
        match c {
            c if c.is_ascii_whitespace() => {}
            '{' | '[' => {
                out.push(c);
                while rest.next_if(char::is_ascii_whitespace).is_some() {}
                if let Some(end) = rest.next_if(|c| matches!(c, '}' | ']')) {
                    out.push(end);
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            c => {
                in_text = c == '"';
                out.push(c);
            }
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn json_is_laid_out_without_being_changed() {
        let json = r#"{"b":[1,{}, [] ],"a":"x,\"{\\","n":12345678901234567890.10,"a":null}"#;
        let laid_out = "{\n  \"b\": [\n    1,\n    {},\n    []\n  ],\n  \"a\": \"x,\\\"{\\\\\",\n  \"n\": 12345678901234567890.10,\n  \"a\": null\n}";
        assert_eq!(lay_out(json, 1000).as_deref(), Some(laid_out));
        for (json, laid_out) in [("7", "7"), (" \" a \" ", "\" a \"")] {
            assert_eq!(lay_out(json, 1000).as_deref(), Some(laid_out));
        }
    }

    #[test]
    fn brackets_in_brackets_are_shown_as_they_are() {
        for depth in [10, 200, 20_000, SHOWN_BYTES / 2] {
            let nested = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            let shown = show(nested.as_bytes(), None).into_string();
            assert!(shown.len() <= SHOWN_BYTES + 200, "{depth}: {} bytes", shown.len());
            assert_eq!(shown.matches(['[', ']']).count(), nested.len());
        }
    }

    proptest! {
        #[test]
        fn whatever_the_bytes_are_the_page_is_bounded_and_keeps_their_text(
            bytes in "([\\[\\]{},:\"\\\\ a1\u{e9}]|\\PC){0,400}", repeats in 1_usize..400
        ) {
            let text = bytes.repeat(repeats);
            let shown = show(text.as_bytes(), None).into_string();
            // An escaped quotation mark takes six bytes.
            prop_assert!(shown.len() <= 6 * SHOWN_BYTES + 200, "{} bytes", shown.len());
            if let Some(laid_out) = lay_out(&text, 10 * SHOWN_BYTES) {
                let solid = |text: &str| text.chars().filter(|c| !c.is_ascii_whitespace()).collect::<String>();
                prop_assert_eq!(solid(&laid_out), solid(&text));
            }
        }
    }

    #[test]
    fn what_is_shown_is_bounded_and_ends_with_a_whole_character() {
        let shown = shown_text(&"é".repeat(SHOWN_BYTES)).into_string();
        assert!(shown.len() < SHOWN_BYTES + 200 && shown.contains("Truncated: 65 kB more"), "{}", shown.len());
    }

    #[test]
    fn sealed_payload_is_not_shown_and_one_that_looks_a_little_like_it_is() {
        let sealed = format!("v1.2026-11.{}", "A".repeat(60));
        for text in [sealed.clone(), format!("\"{sealed}\"")] {
            let shown = show(text.as_bytes(), None).into_string();
            assert!(shown.contains("sealed") && !shown.contains("AAAA"), "{shown}");
        }
        for text in ["v1.0.1", "v1.a.b", "\"v1..AAAA\""] {
            assert!(!is_sealed(text), "{text}");
        }
    }
}
