//! The URL of the next page in the header `Link` (RFC 8288): `<?count=2&cursor=b>; rel="next"`.

/// Returns the header's value for the query of the next page.
pub fn to_link(query: &str) -> String {
    format!("<?{query}>; rel=\"next\"")
}

/// Returns the query in such a value; `None` for any other value.
pub fn query_of_link(link: &str) -> Option<&str> {
    let (query, _) = link.strip_prefix("<?")?.split_once(">; rel=\"next\"")?;
    Some(query)
}

#[cfg(test)]
mod tests {
    use super::{query_of_link, to_link};

    #[test]
    fn query_is_found_in_its_link_and_in_no_other() {
        assert_eq!(to_link("count=2&cursor=b%3E"), "<?count=2&cursor=b%3E>; rel=\"next\"");
        assert_eq!(query_of_link(&to_link("count=2&cursor=b%3E")), Some("count=2&cursor=b%3E"));
        for other in ["<?cursor=a>; rel=\"prev\"", "</v2/queues>; rel=\"next\"", ""] {
            assert_eq!(query_of_link(other), None, "{other}");
        }
    }
}
