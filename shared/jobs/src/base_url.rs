//! Base URL of handlers: the part of their URLs before a job's endpoint.

use sigpost_qstash::{Destination, Invalid};

/// Parses a base URL: absolute, http or https, optionally with a path. Removes trailing slashes.
///
/// Signatures cover base URL and endpoint byte by byte, so publishers and handlers must use the same text.
///
/// # Errors
///
/// The text is not such a URL, or has a query or a fragment. The error names `field`.
pub fn parse(field: &str, text: &str) -> Result<String, Invalid> {
    let url = text.trim().trim_end_matches('/');
    let parsed = Destination::parse(url).map_err(|invalid| Invalid::new(field, invalid.reason))?;
    if parsed.as_str().contains(['?', '#']) {
        return Err(Invalid::new(field, "must have neither a query nor a fragment"));
    }
    Ok(url.to_owned())
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn slashes_at_the_end_are_taken_off() {
        assert_eq!(parse("BASE_URL", "https://a.example/").as_deref(), Ok("https://a.example"));
        assert_eq!(parse("BASE_URL", " http://a.example:8080/jobs// ").as_deref(), Ok("http://a.example:8080/jobs"));
    }

    #[test]
    fn what_is_no_base_url_is_rejected_by_the_name_of_its_variable() {
        for text in ["", "a.example", "ftp://a.example", "https://", "https://a.example?x=1", "https://a.example#x"] {
            let rejected = parse("BASE_URL", text).expect_err(text).to_string();
            assert!(rejected.starts_with("BASE_URL: "), "{rejected}");
        }
    }
}
