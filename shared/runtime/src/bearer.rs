//! The bearer token of a request.

use axum::http::{HeaderMap, header};

const SCHEME: &[u8] = b"bearer";

/// Returns the token in `Authorization: Bearer <token>`; `None` without that header or with another scheme. The
/// scheme is case-insensitive (RFC 9110 section 11.1), and any number of spaces may follow it.
pub fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked(SCHEME.len())?;
    (scheme.eq_ignore_ascii_case(SCHEME) && token.first().is_some_and(u8::is_ascii_whitespace))
        .then(|| token.trim_ascii())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn the_scheme_is_read_in_any_case() {
        for (value, token) in [
            ("Bearer t", Some("t")),
            ("bearer t", Some("t")),
            ("BEARER t", Some("t")),
            ("bEaReR   t ", Some("t")),
            ("Bearert", None),
            ("Bearer", None),
            ("Bearer ", Some("")),
            ("Basic dDp0", None),
            ("t", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_static(value))]);
            assert_eq!(bearer(&headers), token.map(str::as_bytes), "{value:?}");
        }
        assert_eq!(bearer(&HeaderMap::new()), None);
    }
}
