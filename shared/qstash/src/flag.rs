//! Booleans in headers.

use crate::Invalid;

/// `true` or `false` in any case; Python's SDK writes `True`.
pub(crate) fn parse_flag(field: &str, text: &str) -> Result<bool, Invalid> {
    if text.eq_ignore_ascii_case("true") {
        Ok(true)
    } else if text.eq_ignore_ascii_case("false") {
        Ok(false)
    } else {
        Err(Invalid::got(field, "must be true or false", text))
    }
}
