use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use super::{Schedule, ScheduleCreated, ScheduleState};
use crate::{Body, CatchUp, FlowControl, Headers, MessageId, Method};

fn bare() -> Schedule {
    Schedule {
        schedule_id: "scd_1".to_owned(),
        cron: "*/10 * * * *".to_owned(),
        destination: "https://example.com".to_owned(),
        method: Method::Post,
        created_at: 1,
        retries: 3,
        is_paused: false,
        header: Headers::default(),
        body: Body::default(),
        delay: None,
        timeout: None,
        callback: None,
        callback_header: Headers::default(),
        failure_callback: None,
        failure_callback_header: Headers::default(),
        caller_ip: None,
        queue_name: None,
        flow_control: Vec::new(),
        priority: 0,
        retry_delay_expression: None,
        labels: Vec::new(),
        last_schedule_time: None,
        next_schedule_time: None,
        last_schedule_states: BTreeMap::new(),
        error: None,
        catch_up: CatchUp::Last,
    }
}

#[test]
fn a_bare_schedule_shows_only_what_every_schedule_has() {
    assert_eq!(
        serde_json::to_value(bare()).unwrap(),
        json!({
            "scheduleId": "scd_1",
            "cron": "*/10 * * * *",
            "destination": "https://example.com",
            "method": "POST",
            "createdAt": 1,
            "retries": 3,
            "isPaused": false,
        })
    );
    let created = ScheduleCreated { schedule_id: "scd_1".to_owned() };
    assert_eq!(serde_json::to_string(&created).unwrap(), r#"{"scheduleId":"scd_1"}"#);
}

#[test]
fn a_full_schedule_uses_every_name_the_sdks_read() {
    let mut header = Headers::default();
    header.insert("x-a", "1");
    let schedule = Schedule {
        is_paused: true,
        header: header.clone(),
        body: "hello".into(),
        delay: Some(Duration::from_secs(90)),
        timeout: Some(5_000),
        callback: Some("https://a.com".to_owned()),
        callback_header: header.clone(),
        failure_callback: Some("https://b.com".to_owned()),
        failure_callback_header: header,
        caller_ip: Some("192.0.2.1".to_owned()),
        queue_name: Some("q".to_owned()),
        flow_control: vec![FlowControl {
            key: "k".to_owned(),
            parallelism: Some(1),
            rate: None,
            period: Duration::from_secs(1),
        }],
        priority: 5,
        retry_delay_expression: Some("1".to_owned()),
        labels: vec!["l".to_owned()],
        last_schedule_time: Some(2),
        next_schedule_time: Some(3),
        last_schedule_states: [(MessageId(Uuid::nil()), ScheduleState::InProgress)].into(),
        error: Some("no such group".to_owned()),
        catch_up: CatchUp::All,
        ..bare()
    };
    let header = json!({ "X-A": ["1"] });
    assert_eq!(
        serde_json::to_value(schedule).unwrap(),
        json!({
            "scheduleId": "scd_1",
            "cron": "*/10 * * * *",
            "destination": "https://example.com",
            "method": "POST",
            "createdAt": 1,
            "retries": 3,
            "isPaused": true,
            "header": header,
            "body": "hello",
            "delay": 90,
            "timeout": 5_000,
            "callback": "https://a.com",
            "callbackHeader": header,
            "failureCallback": "https://b.com",
            "failureCallbackHeader": header,
            "callerIP": "192.0.2.1",
            "callerIp": "192.0.2.1",
            "queueName": "q",
            "flowControlKey": "k",
            "parallelism": 1,
            "period": 1,
            "priority": 5,
            "retryDelayExpression": "1",
            "label": "l",
            "labels": ["l"],
            "lastScheduleTime": 2,
            "nextScheduleTime": 3,
            "lastScheduleStates": { "msg_1111111111111111": "IN_PROGRESS" },
            "error": "no such group",
            "catchUp": "all",
        })
    );
}
