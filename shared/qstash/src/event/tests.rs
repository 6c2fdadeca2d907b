use bytes::Bytes;
use serde_json::json;
use uuid::Uuid;

use crate::{Cursor, Event, EventState, EventsPage, FlowControl, Headers, MessageId, Method};

fn bare() -> Event {
    Event {
        time: 1_755_856_800_000,
        message_id: MessageId(Uuid::nil()),
        state: EventState::Created,
        url: "https://example.com".to_owned(),
        method: None,
        header: Headers::default(),
        body: Bytes::new(),
        error: None,
        next_delivery_time: None,
        topic_name: None,
        endpoint_name: None,
        schedule_id: None,
        queue_name: None,
        response_status: None,
        response_header: Headers::default(),
        response_body: Bytes::new(),
        timeout: None,
        callback: None,
        callback_headers: Headers::default(),
        failure_callback: None,
        failure_callback_headers: Headers::default(),
        max_retries: None,
        retry_delay_expression: None,
        labels: Vec::new(),
        flow_control: Vec::new(),
        priority: 0,
        caller_ip: None,
    }
}

fn flow_control(key: &str) -> FlowControl {
    FlowControl::parse(key.to_owned(), "f", "rate=10, period=1m").unwrap()
}

/// Wire reference, section 10: rows 5, 6, 7 and 8; section 0: traps 18, 19 and 20.
#[test]
fn fields_the_sdks_disagree_on_go_out_under_both_names() {
    let mut header = Headers::default();
    header.insert("x-a", "1");
    let event = Event {
        state: EventState::Error,
        method: Some(Method::Get),
        body: Bytes::from_static(b"text"),
        error: Some("404".to_owned()),
        next_delivery_time: Some(1_755_856_812_000),
        response_status: Some(404),
        response_header: header.clone(),
        response_body: Bytes::from_static(b"\xff"),
        timeout: Some(5_000),
        callback: Some("https://a.com".to_owned()),
        callback_headers: header.clone(),
        failure_callback: Some("https://b.com".to_owned()),
        failure_callback_headers: header,
        max_retries: Some(3),
        retry_delay_expression: Some("retried".to_owned()),
        labels: vec!["a".to_owned()],
        flow_control: vec![flow_control("m"), flow_control("a")],
        priority: -5,
        caller_ip: Some("192.0.2.1".to_owned()),
        ..bare()
    };
    let header = json!({ "X-A": ["1"] });
    assert_eq!(
        serde_json::to_value(event).unwrap(),
        json!({
            "time": 1_755_856_800_000_i64,
            "messageId": "msg_1111111111111111",
            "state": "ERROR",
            "url": "https://example.com",
            "method": "GET",
            "body": "dGV4dA==",
            "error": "404",
            "nextDeliveryTime": 1_755_856_812_000_i64,
            "responseStatus": 404,
            "responseHeader": header,
            "responseHeaders": header,
            "responseBody": "/w==",
            "timeout": 5_000,
            "callback": "https://a.com",
            "callbackHeaders": header,
            "failureCallback": "https://b.com",
            "failureCallbackHeaders": header,
            "maxRetries": 3,
            "retryDelayExpr": "retried",
            "retryDelayExpression": "retried",
            "label": "a",
            "labels": ["a"],
            "flowControlKey": "m",
            "rate": 10,
            "period": 60,
            "flowControls": [{ "key": "m", "rate": 10, "period": 60 }, { "key": "a", "rate": 10, "period": 60 }],
            "priority": -5,
            "callerIP": "192.0.2.1",
            "callerIp": "192.0.2.1",
        })
    );
}

/// Wire reference, section 10: rows 4 and 20; section 0: traps 2 and 7.
#[test]
fn a_page_lists_its_rows_under_both_names_and_ends_without_a_cursor() {
    let row = json!({
        "time": 1_755_856_800_000_i64,
        "messageId": "msg_1111111111111111",
        "state": "CREATED",
        "url": "https://example.com",
    });
    let page = |cursor| serde_json::to_value(EventsPage { events: vec![bare()], cursor }).unwrap();
    assert_eq!(page(None), json!({ "events": [row], "logs": [row] }));
    let cursor = Cursor { at_ms: 1_686_652_644_442, seq: Some(12) };
    assert_eq!(page(Some(cursor))["cursor"], "1686652644442-12");
}
