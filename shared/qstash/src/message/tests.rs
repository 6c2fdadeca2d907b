//! Tests of messages and of dead letters, which contain one.

use serde_json::json;
use uuid::Uuid;

use crate::{
    Attempt, AttemptState, Body, DeadLetter, DeadLetterId, DeadLettersPage, EventState, FlowControl, Headers, Message,
    MessageId, Method,
};

fn bare() -> Message {
    Message {
        message_id: MessageId(Uuid::nil()),
        url: "https://example.com".to_owned(),
        method: Method::Post,
        max_retries: 3,
        not_before: 1_755_856_800_000,
        created_at: 1_755_856_800_000,
        topic_name: None,
        endpoint_name: None,
        queue_name: None,
        schedule_id: None,
        header: Headers::default(),
        body: Body::default(),
        callback: None,
        callback_header: Headers::default(),
        failure_callback: None,
        failure_callback_header: Headers::default(),
        caller_ip: None,
        labels: Vec::new(),
        flow_control: Vec::new(),
        priority: 0,
        retry_delay_expression: None,
        timeout: None,
        state: None,
        attempts: None,
        callback_message_id: None,
        failure_callback_message_id: None,
    }
}

fn flow_control(key: &str) -> FlowControl {
    FlowControl::parse(key.to_owned(), "f", "rate=10, period=1m").unwrap()
}

#[test]
fn a_bare_message_shows_only_what_every_message_has() {
    assert_eq!(
        serde_json::to_value(bare()).unwrap(),
        json!({
            "messageId": "msg_1111111111111111",
            "url": "https://example.com",
            "method": "POST",
            "maxRetries": 3,
            "notBefore": 1_755_856_800_000_i64,
            "createdAt": 1_755_856_800_000_i64,
        })
    );
}

#[test]
fn a_full_message_uses_every_name_the_sdks_read() {
    let mut header = Headers::default();
    header.insert("content-type", "application/json");
    let message = Message {
        topic_name: Some("group".to_owned()),
        endpoint_name: Some("endpoint".to_owned()),
        queue_name: Some("queue".to_owned()),
        schedule_id: Some("scd_1".to_owned()),
        header: header.clone(),
        body: "{}".into(),
        callback: Some("https://a.com?foo=bar".to_owned()),
        callback_header: header.clone(),
        failure_callback: Some("https://b.com".to_owned()),
        failure_callback_header: header,
        caller_ip: Some("192.0.2.1".to_owned()),
        labels: vec!["a".to_owned(), "b".to_owned()],
        flow_control: vec![flow_control("m"), flow_control("a")],
        priority: -5,
        retry_delay_expression: Some("1000 * retried".to_owned()),
        timeout: Some(90_000),
        state: Some(EventState::Retry),
        ..bare()
    };
    let content_type = json!({ "Content-Type": ["application/json"] });
    assert_eq!(
        serde_json::to_value(message).unwrap(),
        json!({
            "messageId": "msg_1111111111111111",
            "url": "https://example.com",
            "method": "POST",
            "maxRetries": 3,
            "notBefore": 1_755_856_800_000_i64,
            "createdAt": 1_755_856_800_000_i64,
            "topicName": "group",
            "endpointName": "endpoint",
            "queueName": "queue",
            "scheduleId": "scd_1",
            "header": content_type,
            "body": "{}",
            "callback": "https://a.com?foo=bar",
            "callbackHeader": content_type,
            "failureCallback": "https://b.com",
            "failureCallbackHeader": content_type,
            "callerIP": "192.0.2.1",
            "callerIp": "192.0.2.1",
            "label": "a",
            "labels": ["a", "b"],
            "flowControlKey": "m",
            "rate": 10,
            "period": 60,
            "flowControls": [{ "key": "m", "rate": 10, "period": 60 }, { "key": "a", "rate": 10, "period": 60 }],
            "priority": -5,
            "retryDelayExpression": "1000 * retried",
            "timeout": 90_000,
            "state": "RETRY",
        })
    );
}

#[test]
fn one_flow_control_key_shows_as_in_qstash() {
    let only = FlowControl { parallelism: Some(3), rate: None, ..flow_control("k") };
    let json = serde_json::to_value(Message { flow_control: vec![only], ..bare() }).unwrap();
    assert_eq!(json["flowControlKey"], "k");
    assert_eq!(json["parallelism"], 3);
    assert_eq!(json["period"], 60);
    assert!(json.get("rate").is_none() && json.get("flowControls").is_none());
}

#[test]
fn attempts_are_listed_when_there_is_a_list() {
    let attempt = Attempt {
        attempt: 1,
        started_at: 5,
        ended_at: None,
        state: AttemptState::Active,
        response_status: None,
        response_header: Headers::default(),
        response_body: bytes::Bytes::new(),
        error: None,
        next_delivery_time: None,
    };
    let mut response_header = Headers::default();
    response_header.insert("x-a", "1");
    let failed = Attempt {
        attempt: 2,
        ended_at: Some(6),
        state: AttemptState::Error,
        response_status: Some(500),
        response_header,
        response_body: "text".into(),
        error: Some("answered 500".to_owned()),
        next_delivery_time: Some(7),
        ..attempt.clone()
    };
    let json = serde_json::to_value(Message { attempts: Some(vec![attempt, failed]), ..bare() }).unwrap();
    assert_eq!(
        json["attempts"],
        json!([
            { "attempt": 1, "startedAt": 5, "state": "ACTIVE" },
            {
                "attempt": 2,
                "startedAt": 5,
                "endedAt": 6,
                "state": "ERROR",
                "responseStatus": 500,
                "responseHeader": { "X-A": ["1"] },
                "responseBody": "dGV4dA==",
                "error": "answered 500",
                "nextDeliveryTime": 7,
            },
        ])
    );
    let none = serde_json::to_value(Message { attempts: Some(Vec::new()), ..bare() }).unwrap();
    assert_eq!(none["attempts"], json!([]));
}

#[test]
fn a_dead_letter_is_a_message_with_its_last_response() {
    let mut response_header = Headers::default();
    response_header.insert("server", "x");
    let dead_letter = |response_body: Body| DeadLetter {
        message: Message { body: "hello".into(), ..bare() },
        dlq_id: DeadLetterId { failed_at_ms: 1_725_323_658_779, seq: 0 },
        response_status: 404,
        response_header: response_header.clone(),
        response_body,
    };
    let json = serde_json::to_value(DeadLettersPage {
        messages: vec![dead_letter("404 Not Found".into()), dead_letter(b"\xff".as_slice().into())],
        cursor: None,
    })
    .unwrap();
    assert_eq!(json.as_object().unwrap().len(), 1);
    let [text, bytes] = [&json["messages"][0], &json["messages"][1]];
    assert_eq!(text["dlqId"], "1725323658779-0");
    assert_eq!(text["messageId"], "msg_1111111111111111");
    assert_eq!(text["body"], "hello");
    assert_eq!(text["responseStatus"], 404);
    assert_eq!(text["responseHeader"], json!({ "Server": ["x"] }));
    assert_eq!(text["responseBody"], "404 Not Found");
    assert!(text.get("responseBodyBase64").is_none());
    assert_eq!(bytes["responseBodyBase64"], "/w==");
    assert!(bytes.get("responseBody").is_none());
}
