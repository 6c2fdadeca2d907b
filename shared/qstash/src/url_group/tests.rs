use serde_json::json;

use super::{EditEndpoints, Endpoint, EndpointRef, UrlGroup, UrlGroupDefaults};
use crate::{Destination, Limits, Options, Params};

#[test]
fn endpoints_show_nothing_but_name_and_url() {
    let endpoint = |name: Option<&str>| Endpoint {
        name: name.map(str::to_owned),
        url: Destination::parse("https://a.com").unwrap(),
    };
    let group = UrlGroup {
        name: "g".to_owned(),
        created_at: 1,
        updated_at: 2,
        endpoints: vec![endpoint(Some("n")), endpoint(None)],
    };
    assert_eq!(
        serde_json::to_value(group).unwrap(),
        json!({
            "name": "g",
            "createdAt": 1,
            "updatedAt": 2,
            "endpoints": [{ "name": "n", "url": "https://a.com" }, { "url": "https://a.com" }],
        })
    );
}

#[test]
fn endpoints_are_added_by_url_and_removed_by_name_or_url() {
    let body = br#"{"endpoints":[{"url":"https://a.com","name":"n"},{"url":"https://b.com","name":null,"x":1}]}"#;
    let edit = EditEndpoints::parse(body).unwrap();
    let added = edit.clone().to_add().unwrap();
    assert_eq!(
        added.iter().map(|endpoint| endpoint.url.as_str()).collect::<Vec<_>>(),
        ["https://a.com", "https://b.com"]
    );
    assert_eq!(added[0].name.as_deref(), Some("n"));
    assert_eq!(
        edit.to_remove(),
        Ok(vec![EndpointRef::Name("n".to_owned()), EndpointRef::Url("https://b.com".to_owned())])
    );
}

#[test]
fn rejections_name_the_field_of_the_endpoint() {
    let long = format!(r#"{{"endpoints":[{{"url":"https://a.com","name":"{}"}}]}}"#, "x".repeat(257));
    for (body, message) in [
        ("{}", "endpoints: is missing"),
        (r#"{"endpoints":[]}"#, "endpoints: must be 1 to 1000 endpoints, got 0"),
        (r#"{"endpoints":["https://a.com"]}"#, "endpoints[0]: must be an object, got \"https://a.com\""),
        (r#"{"endpoints":[{"url":1}]}"#, "endpoints[0].url: must be a string, got 1"),
        (r#"{"endpoints":[{"name":"n"}]}"#, "endpoints[0].url: is missing"),
        (
            r#"{"endpoints":[{"url":"https://a.com"},{"url":"a.com"}]}"#,
            "endpoints[1].url: invalid destination url: it must begin with http:// or https://: \"a.com\"",
        ),
        (
            &long,
            &format!(
                "endpoints[0].name: must be at most 256 bytes without control characters, got \"{}…\"",
                "x".repeat(64)
            ),
        ),
    ] {
        let error = EditEndpoints::parse(body.as_bytes()).and_then(EditEndpoints::to_add).unwrap_err();
        assert_eq!(error.to_string(), message, "{body}");
    }
    let error = EditEndpoints::parse(br#"{"endpoints":[{"name":"","url":""}]}"#).unwrap().to_remove().unwrap_err();
    assert_eq!(error.to_string(), "endpoints[0]: requires a url or a name");
}

#[test]
fn defaults_yield_to_the_request() {
    let defaults = UrlGroupDefaults::parse(
        br#"{"headers":{"Upstash-Header-Forward":["true"],"Upstash-Retries":"3","Upstash-Delay":"5s","Content-Type":"text/plain"}}"#,
    )
    .unwrap();
    let mut headers = http::HeaderMap::new();
    headers.insert("upstash-retries", "1".parse().unwrap());
    headers.insert("x-own", "1".parse().unwrap());
    let params = Params::from_request_to_group(&headers, Some("upstash-delay=9s"), &defaults).unwrap();
    let options = Options::parse(&params, &Limits::default(), jiff::Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(options.retries, Some(1));
    assert_eq!(options.start, crate::Start::After(std::time::Duration::from_secs(9)));
    assert_eq!(
        serde_json::to_value(&options.headers).unwrap(),
        json!({ "Content-Type": ["text/plain"], "X-Own": ["1"] })
    );

    let params = Params::from_pairs_to_group([("UPSTASH-HEADER-FORWARD", "false"), ("a", "b")].into_iter(), &defaults);
    let params = params.unwrap();
    assert_eq!((params.get("retries"), params.other_headers().is_empty()), (Some("3"), true));

    let stored = serde_json::to_string(&defaults).unwrap();
    let read = format!(r#"{{"headers":{stored}}}"#);
    assert_eq!(UrlGroupDefaults::parse(read.as_bytes()), Ok(defaults));
}

#[test]
fn defaults_that_could_not_work_are_rejected() {
    for (body, message) in [
        (r#"{"headers":{"X-A":"1"}}"#, "headers.X-A: must be Content-Type or begin with Upstash-"),
        (r#"{"headers":{"Upstash-Retries":3}}"#, "headers.Upstash-Retries: must be a text or a list of texts"),
        (r#"{"headers":{"Upstash-Label":"a\u0000"}}"#, "Upstash-Label: contains a control character"),
        (r#"{"headers":{"Upstash-Header-Forward":"x"}}"#, "Upstash-Header-Forward: must be true or false, got \"x\""),
        ("{}", "headers: is missing"),
    ] {
        assert_eq!(UrlGroupDefaults::parse(body.as_bytes()).unwrap_err().to_string(), message, "{body}");
    }
}
