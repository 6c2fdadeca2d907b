use super::{Destination, MAX_BYTES, Target};

fn url(rest: &str, query: Option<&str>) -> String {
    match Destination::from_raw(rest, query) {
        Ok(Target::Url(url)) => url.as_str().to_owned(),
        other => panic!("{rest} {query:?}: {other:?}"),
    }
}

#[test]
fn destinations_are_echoed_verbatim() {
    for text in [
        "https://example.com",
        "https://example.com/",
        "http://example.com:8080/a//b/../c",
        "HTTPS://Example.COM/Path",
        "https://[::1]:3000/hook?a=1&b=%20#part",
        "https://example.com?x=1",
        "https://münchen.de/straße",
        "https://example.com/a\\b",
    ] {
        let destination = Destination::parse(text).unwrap();
        assert_eq!(destination.as_str(), text);
        assert_eq!(serde_json::to_string(&destination).unwrap(), serde_json::to_string(text).unwrap());
        assert!(destination.url().has_host());
    }
}

#[test]
fn what_is_no_web_address_is_rejected_in_known_words() {
    for text in [
        "",
        "example.com",
        "/relative",
        "ftp://example.com",
        "mailto:a@example.com",
        "javascript:alert(1)",
        "http:/example.com",
        "http:example.com",
        "http://",
        "https:///example.com",
        "https://?x",
        "http://:80",
        "https://user@/x",
        "https://exa mple.com",
        "https://example.com/a b",
        "https://example.com/a\tb",
        "https://example.com/a\nb",
        " https://example.com",
        "https://example.com\u{0}",
        "https://example.com\\@evil.com/",
        "https://[::1",
        "https://example.com:99999",
        "https://1.2.3.4.5/",
    ] {
        let error = Destination::parse(text).unwrap_err().to_string();
        assert!(error.starts_with("invalid destination url: "), "{text}: {error}");
        assert!(serde_json::from_value::<Destination>(text.into()).is_err());
    }
}

#[test]
fn user_info_is_kept_for_storage_alone() {
    let stored = "https://user:p%40ss@example.com/x?a@b";
    let destination = Destination::parse(stored).unwrap();
    assert_eq!(destination.as_str(), "https://example.com/x?a@b");
    assert_eq!(destination.url().as_str(), "https://example.com/x?a@b");
    assert_eq!(destination.authorization(), Some("Basic dXNlcjpwQHNz"));
    assert!(!format!("{destination} {destination:?}").contains("p%40ss"));
    let json = serde_json::to_string(&destination).unwrap();
    assert_eq!(json, format!("{stored:?}"));
    assert_eq!(serde_json::from_str::<Destination>(&json).unwrap(), destination);
    let shown = destination.without_user_info();
    assert_eq!(serde_json::to_string(&shown).unwrap(), r#""https://example.com/x?a@b""#);
}

#[test]
fn what_may_be_a_password_is_not_in_an_error() {
    for (text, shown) in [
        ("https://user:p%40ss@exa mple.com", "exa mple.com"),
        ("ftp://user:p%40ss@example.com/x", "example.com/x"),
        ("http:/user:pass@example.com", "example.com"),
        ("postgres://user:pa@ss@example.com", "example.com"),
        ("user:pass@example.com", "example.com"),
        ("https://user:pa/ss@example.com", "example.com"),
        ("https://user:pass\\@example.com", "example.com"),
        ("//user:pass@", ""),
    ] {
        let error = Destination::parse(text).unwrap_err().to_string();
        assert!(error.ends_with(&format!(": \"…@{shown}\"")), "{text}: {error}");
    }
    for encoded in ["ftp%3A%2F%2Fuser%3Apass%40example.com", "user%3Apass%2540example.com/%ff", "user:pass%40%ff"] {
        let error = Destination::from_raw(encoded, None).unwrap_err().to_string();
        assert!(!error.contains("pass"), "{encoded}: {error}");
    }
}

#[test]
fn length_is_bounded_and_errors_stay_short() {
    let fits = format!("https://a.com/{}", "x".repeat(MAX_BYTES - 14));
    assert!(Destination::parse(&fits).is_ok());
    let error = Destination::parse(&(fits + "x")).unwrap_err().to_string();
    assert!(error.len() < 300, "{error}");
    assert!(error.starts_with("invalid destination url: longer than 8192 bytes: \"https://a.com"));
}

#[test]
fn the_rest_of_the_query_belongs_to_the_destination() {
    for (rest, query, expected) in [
        ("https://a.com", None, "https://a.com"),
        ("https://a.com/200", Some("sleep=30000"), "https://a.com/200?sleep=30000"),
        ("https://a.com", Some("upstash-retries=3&a=1&Upstash-Delay=5s&b=2&qstash_token=t"), "https://a.com?a=1&b=2"),
        ("https://a.com", Some("qstash_token=t"), "https://a.com"),
        ("https://a.com", Some("upstash-forward-x"), "https://a.com"),
        ("https://a.com", Some("a=%2F+x&a=&&c"), "https://a.com?a=%2F+x&a=&&c"),
        ("https://a.com", Some("x-upstash-a=1"), "https://a.com?x-upstash-a=1"),
        ("https://a.com/%2Fx%20y", Some("q=%C3%A9"), "https://a.com/%2Fx%20y?q=%C3%A9"),
        ("HTTP://a.com", None, "HTTP://a.com"),
    ] {
        assert_eq!(url(rest, query), expected);
    }
}

#[test]
fn an_encoded_destination_is_decoded_once() {
    for (rest, query, expected) in [
        ("https%3A%2F%2Fa.com%2Fx", None, "https://a.com/x"),
        ("https%3a//a.com/%2520", None, "https://a.com/%20"),
        ("https%3A%2F%2Fa.com%3Fx%3D1", Some("upstash-delay=5s"), "https://a.com?x=1"),
        ("https%3A%2F%2Fa.com%3Fx%3D1", Some("y=2"), "https://a.com?x=1&y=2"),
        ("https%3A%2F%2Fa.com%23frag", Some("y=2"), "https://a.com?y=2#frag"),
    ] {
        assert_eq!(url(rest, query), expected);
    }
    // Encoded twice, it is neither a URL nor a group.
    assert!(Destination::from_raw("https%253A%252F%252Fa.com", None).is_err());
}

#[test]
fn a_name_is_a_url_group() {
    for name in ["orders", "my-Group_1.v2", "api"] {
        assert_eq!(Destination::from_raw(name, Some("upstash-delay=1s")), Ok(Target::Group(name.to_owned())));
    }
    for (rest, message) in [
        ("", "invalid destination url: it is missing"),
        ("api/llm", "destination: \"api/llm\" is not supported"),
        ("api%2Fllm", "destination: \"api/llm\" is not supported"),
        ("a/b", "invalid destination url: it must begin with http:// or https://: \"a/b\""),
        ("a%20b", "invalid destination url: it must begin with http:// or https://: \"a b\""),
        ("%ff", "invalid destination url: not valid UTF-8: \"%ff\""),
        ("https:/a.com", "invalid destination url: it must begin with http:// or https://: \"https:/a.com\""),
    ] {
        assert_eq!(Destination::from_raw(rest, None).unwrap_err().to_string(), message);
    }
}
