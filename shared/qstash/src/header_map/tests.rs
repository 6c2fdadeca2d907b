use http::{HeaderMap, HeaderName, HeaderValue};

use super::{Headers, stored};

fn json(headers: &Headers) -> String {
    serde_json::to_string(headers).unwrap()
}

fn read(json: &str) -> Headers {
    serde_json::from_str(json).unwrap()
}

#[test]
fn insert_replaces_and_append_keeps_whatever_the_casing() {
    let mut headers = Headers::default();
    headers.append("x-a", "1");
    headers.append("X-A", "2");
    assert_eq!(headers.map()["X-A"], ["1", "2"]);
    headers.insert("x-A", "3");
    assert_eq!(headers.map()["X-A"], ["3"]);
    assert_eq!(headers.get("X-a"), Some("3"));
    assert_eq!(json(&headers), r#"{"X-A":["3"]}"#);
}

/// Wire reference, section 0: trap 10.
#[test]
fn a_value_with_a_comma_stays_one_value() {
    let mut http = HeaderMap::new();
    http.append("x-a", HeaderValue::from_static("a, b"));
    http.append("x-a", HeaderValue::from_static("c"));
    let headers = Headers::from_http(http.clone());
    assert_eq!(headers.map()["X-A"], ["a, b", "c"]);
    assert_eq!(headers.to_http(), http);
}

#[test]
fn bytes_that_are_no_text_are_read_as_latin_1() {
    let mut http = HeaderMap::new();
    http.insert("x-a", HeaderValue::from_bytes(b"caf\xe9").unwrap());
    assert_eq!(Headers::from_http(http).get("x-a"), Some("café"));
}

#[test]
fn stored_values_keep_their_bytes() {
    for value in [&b"plain"[..], "José".as_bytes(), b"Jos\xe9", b"\x80\x9f\xa0\xff", b"\xc3", b""] {
        let mut headers = Headers::default();
        headers.insert("x-a", stored(value));
        assert_eq!(read(&json(&headers)).to_http()["x-a"].as_bytes(), value);
    }
    let mut headers = Headers::default();
    headers.insert("x-a", stored(b"Jos\xe9"));
    assert_eq!(headers.shown().get("x-a"), Some("José"));
}

#[test]
fn authorization_of_a_url_is_sent_unless_there_is_another_and_never_shown() {
    let mut headers = Headers::default();
    headers.set_url_authorization("Basic dTpw");
    assert_eq!(headers.to_http()["authorization"], "Basic dTpw");
    assert!(headers.shown().is_empty());
    headers.insert("authorization", "Bearer t");
    assert_eq!(headers.to_http()["authorization"], "Bearer t");
    assert_eq!(headers.to_http().len(), 1);
}

#[test]
fn what_cannot_be_a_header_is_not_sent() {
    let mut headers = Headers::default();
    headers.insert("bad name", "1");
    headers.insert("x-a", "line\nbreak");
    headers.insert("x-b", "fine");
    assert_eq!(headers.to_http().len(), 1);
}

#[test]
fn json_is_in_the_order_of_canonical_names() {
    let mut http = HeaderMap::new();
    let mut tree = Headers::default();
    // `_` sorts after `B` and before `b`.
    for (name, value) in [("x-b", "2"), ("a-_", "é"), ("a-b", "\"1\""), ("x-a", "3"), ("x-b", "1")] {
        http.append(HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap());
        tree.append(name, value);
    }
    let headers = Headers::from_http(http);
    assert_eq!(json(&headers), r#"{"A-B":["\"1\""],"A-_":["é"],"X-A":["3"],"X-B":["2","1"]}"#);
    assert_eq!(json(&headers), json(&tree));
    assert_eq!((&headers, headers.size_bytes()), (&tree, tree.size_bytes()));
}

#[test]
fn json_is_read_as_it_is_written() {
    for text in [
        "{}",
        r#"{"A":["1"],"X-A":["2","3"]}"#,
        r#"{":authorization":["Basic dTpw"],"A":["1"]}"#,
        r#"{"A":[]}"#,
        r#"{"A":["line\nbreak"],"B":["\u0001Jos\u00e9"]}"#,
        r#"{"a":["another casing"]}"#,
        r#"{"With space":["1"],"Z":["é"]}"#,
    ] {
        let expected: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_value(read(text)).unwrap(), expected);
    }
    assert_eq!(json(&read(r#"{"A":["1"],"A":["2"]}"#)), r#"{"A":["2"]}"#);
    assert_eq!(read(r#"{"X-A":["2","3"]}"#).to_http().get_all("x-a").iter().count(), 2);
    for text in ["[]", r#"{"A":"1"}"#, r#"{"A":[1]}"#] {
        assert!(serde_json::from_str::<Headers>(text).is_err(), "{text}");
    }
}
