use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;

use super::Params;
use crate::{Limits, Options};

fn headers(pairs: &[(&str, &[u8])]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        map.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_bytes(value).unwrap());
    }
    map
}

fn error(pairs: &[(&str, &[u8])], query: Option<&str>) -> String {
    Params::from_request(&headers(pairs), query).unwrap_err().to_string()
}

#[test]
fn headers_win_over_the_query() {
    let params = Params::from_request(
        &headers(&[("Upstash-Retries", b"1"), ("content-type", b"text/plain")]),
        Some("a=b&upstash-retries=2&UPSTASH-Delay=100s&upstash-label=x%2Cy+z&upstash-label=w&upstash-flag"),
    )
    .unwrap();
    assert_eq!(params.get("retries"), Some("1"));
    assert_eq!(params.get("delay"), Some("100s"));
    assert_eq!(params.get("label"), Some("x,y z"));
    assert_eq!(params.get("flag"), Some(""));
    assert_eq!(params.get("a"), None);
    assert_eq!(params.content_type(), Some("text/plain"));
    assert!(params.other_headers().is_empty());
    assert_eq!(params.iter().count(), 5);
}

#[test]
fn text_that_cannot_be_stored_is_rejected_by_name() {
    assert_eq!(error(&[], Some("upstash-label=%ff")), "Upstash-Label: is not valid UTF-8");
    for query in ["upstash-label=%00", "upstash-label=a%0Ab", "upstash-label=%C2%85"] {
        assert_eq!(error(&[], Some(query)), "Upstash-Label: contains a control character");
    }
    // Other parameters are not checked.
    assert!(Params::from_request(&headers(&[("x-a", b"\xff")]), Some("a=%00")).is_ok());
}

#[test]
fn headers_are_latin_1_where_they_are_not_utf_8() {
    let incoming = headers(&[
        ("upstash-label", b"gr\xf6\xdfe"),
        ("upstash-deduplication-id", "café-1".as_bytes()),
        ("upstash-header-forward", b"true"),
        ("upstash-forward-x-name", b"Jos\xe9"),
        ("upstash-callback", b"https://a.com"),
        ("upstash-callback-forward-x-name", b"\x80\xff"),
        ("content-type", b"text/\xe9"),
        ("x-own", b"\xa0\xfe"),
    ]);
    let params = Params::from_request(&incoming, None).unwrap();
    let json = serde_json::to_string(&params).unwrap();
    assert_eq!(serde_json::from_str::<Params>(&json).unwrap(), params);
    assert_eq!((params.get("label"), params.get("deduplication-id")), (Some("größe"), Some("café-1")));
    assert_eq!(params.other_headers().to_http()["x-own"].as_bytes(), b"\xa0\xfe");

    let options = Options::parse(&params, &Limits::default(), Timestamp::UNIX_EPOCH).unwrap();
    let sent = options.headers.to_http();
    assert_eq!((sent["x-name"].as_bytes(), sent["content-type"].as_bytes()), (&b"Jos\xe9"[..], &b"text/\xe9"[..]));
    assert_eq!(options.callback.unwrap().options.headers.to_http()["x-name"].as_bytes(), b"\x80\xff");
    assert_eq!(options.headers.shown().get("x-name"), Some("José"));
}

#[test]
fn too_many_query_parameters_are_rejected() {
    let query = "upstash-a=1&".repeat(201);
    assert_eq!(error(&[], Some(&query)), "query: must not have more than 200 Upstash-* parameters");
}

#[test]
fn header_forward_passes_on_all_that_belongs_to_the_message() {
    let incoming = headers(&[
        ("x-custom", b"1"),
        ("x-custom", b"2"),
        ("user-agent", b"GitHub"),
        ("content-type", b"application/json"),
        ("authorization", b"Bearer secret"),
        ("host", b"sigpost"),
        ("content-length", b"3"),
        ("connection", b"keep-alive, X-Hop"),
        ("keep-alive", b"timeout=5"),
        ("x-hop", b"1"),
        ("transfer-encoding", b"chunked"),
        ("te", b"trailers"),
        ("expect", b"100-continue"),
        ("upstash-signature", b"forged"),
    ]);
    for query in ["upstash-header-forward=true", "upstash-header-forward=True"] {
        let params = Params::from_request(&incoming, Some(query)).unwrap();
        assert_eq!(
            serde_json::to_string(params.other_headers()).unwrap(),
            r#"{"Content-Type":["application/json"],"User-Agent":["GitHub"],"X-Custom":["1","2"]}"#
        );
    }
    for query in ["upstash-header-forward=false", "upstash-header-forward="] {
        let params = Params::from_request(&incoming, Some(query)).unwrap();
        assert!(params.other_headers().is_empty());
    }
    assert_eq!(
        error(&[("upstash-header-forward", b"yes")], None),
        "Upstash-Header-Forward: must be true or false, got \"yes\""
    );
}

#[test]
fn batch_items_are_read_like_requests() {
    let pairs = [("UPSTASH-Retries", "2"), ("Content-Type", "text/plain"), ("x-a", "line\nbreak")];
    let params = Params::from_pairs(pairs.into_iter()).unwrap();
    assert_eq!(params.get("retries"), Some("2"));
    assert_eq!(params.content_type(), Some("text/plain"));

    let error = Params::from_pairs([("Upstash-Label", "a\0")].into_iter()).unwrap_err();
    assert_eq!(error.to_string(), "Upstash-Label: contains a control character");

    let error = Params::from_pairs([("Upstash-Header-Forward", "true"), ("a b", "1")].into_iter()).unwrap_err();
    assert_eq!(error.to_string(), "a b: is not a valid header name");
}
