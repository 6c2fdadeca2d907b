//! Servers write and clients read the same types: each response survives the way through its JSON, with and without
//! its optional fields, and each request is parsed as it was built.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, from_value, json, to_value, to_vec};
use sigpost_qstash::admin::{
    ActiveRuns, DeadLetterGroups, GateStates, JobHealth, JobMetrics, KeyStates, QueueDepth, ScheduleStates, Stats,
};
use sigpost_qstash::{
    BatchItem, BatchSlot, Cancelled, DeadLetter, DeadLettersPage, Deleted, Destination, EditEndpoints, Endpoint,
    EndpointRef, ErrorBody, Event, EventsPage, FlowControlKey, GlobalParallelism, Health, Message, Published, Queue,
    Retried, RetriedMessage, Schedule, ScheduleCreated, ScheduleRun, SigningKeys, UpsertQueue, UrlGroup,
};

const ID: &str = "msg_1111111111111111";

/// Asserts that the JSON is read and written unchanged.
#[track_caller]
fn survives<T: Serialize + DeserializeOwned + PartialEq + Debug>(json: Value) {
    let read: T = from_value(json.clone()).unwrap();
    assert_eq!(to_value(&read).unwrap(), json);
    // Through text, as on the wire: `Value` keeps more types apart.
    assert_eq!(serde_json::from_str::<T>(&serde_json::to_string(&read).unwrap()).unwrap(), read);
}

fn merged(mut object: Value, fields: Value) -> Value {
    let (Value::Object(object_fields), Value::Object(fields)) = (&mut object, fields) else { panic!("two objects") };
    object_fields.extend(fields);
    object
}

fn bare_message() -> Value {
    json!({
        "messageId": ID, "url": "https://example.com", "method": "POST", "maxRetries": 3, "notBefore": 1, "createdAt": 2,
    })
}

fn full_message() -> Value {
    let header = json!({ "Content-Type": ["application/json"] });
    let flow_controls = json!([
        { "key": "m", "parallelism": 3, "rate": 10, "period": 60 }, { "key": "a", "rate": 10, "period": 1 },
    ]);
    merged(
        bare_message(),
        json!({
            "topicName": "group", "endpointName": "endpoint", "queueName": "queue", "scheduleId": "scd_1",
            "header": header, "body": "{}", "callback": "https://a.com", "callbackHeader": header,
            "failureCallback": "https://b.com", "failureCallbackHeader": header, "callerIP": "192.0.2.1",
            "callerIp": "192.0.2.1", "label": "a", "labels": ["a", "b"], "flowControlKey": "m", "parallelism": 3,
            "rate": 10, "period": 60, "flowControls": flow_controls, "priority": -5, "retryDelayExpression": "retried",
            "timeout": 90_000, "state": "RETRY", "callbackMessageId": ID, "failureCallbackMessageId": ID,
            "attempts": [
                { "attempt": 1, "startedAt": 3, "state": "ACTIVE" },
                {
                    "attempt": 2, "startedAt": 3, "endedAt": 4, "state": "ERROR", "responseStatus": 500,
                    "responseHeader": header, "responseBody": "/w==", "error": "why", "nextDeliveryTime": 5,
                },
            ],
        }),
    )
}

#[test]
fn messages_survive() {
    survives::<Message>(bare_message());
    survives::<Message>(full_message());
    survives::<Message>(merged(bare_message(), json!({ "bodyBase64": "/w==" })));
    let one_key = json!({ "flowControlKey": "k", "rate": 1, "period": 1 });
    survives::<Message>(merged(bare_message(), one_key));
}

#[test]
fn dead_letters_survive() {
    let entry = json!({ "dlqId": "1725323658779-0", "responseStatus": 0 });
    let bare = merged(bare_message(), entry.clone());
    let text = json!({ "responseStatus": 404, "responseHeader": { "Server": ["x"] }, "responseBody": "gone" });
    let full = merged(merged(full_message(), entry.clone()), text);
    let bytes = merged(merged(bare_message(), entry), json!({ "responseBodyBase64": "/w==" }));
    for letter in [&bare, &full, &bytes] {
        survives::<DeadLetter>(letter.clone());
    }
    survives::<DeadLettersPage>(json!({ "messages": [] }));
    survives::<DeadLettersPage>(json!({ "messages": [bare, full, bytes], "cursor": "1725323658779-0" }));
    survives::<DeadLettersPage<Value>>(json!({ "messages": [{ "unknown": 1 }], "cursor": "c" }));
}

#[test]
fn events_survive() {
    let bare = json!({ "time": 1, "messageId": ID, "state": "CREATED", "url": "https://example.com" });
    let header = json!({ "X-A": ["1"] });
    let full = merged(
        bare.clone(),
        json!({
            "state": "ERROR", "method": "GET", "header": header, "body": "dGV4dA==", "error": "404",
            "nextDeliveryTime": 2, "topicName": "group", "endpointName": "endpoint", "scheduleId": "scd_1",
            "queueName": "queue", "responseStatus": 404, "responseHeader": header, "responseHeaders": header,
            "responseBody": "/w==", "timeout": 5_000, "callback": "https://a.com", "callbackHeaders": header,
            "failureCallback": "https://b.com", "failureCallbackHeaders": header, "maxRetries": 3,
            "retryDelayExpr": "retried", "retryDelayExpression": "retried", "label": "a", "labels": ["a"],
            "flowControlKey": "m", "rate": 10, "period": 60, "priority": -5, "callerIP": "192.0.2.1",
            "callerIp": "192.0.2.1",
        }),
    );
    survives::<Event>(bare.clone());
    survives::<Event>(full.clone());
    survives::<EventsPage>(json!({ "events": [], "logs": [] }));
    survives::<EventsPage>(json!({ "events": [bare, full], "logs": [bare, full], "cursor": "1686652644442-12" }));
}

#[test]
fn publishes_survive() {
    let stored = json!({ "messageId": ID, "url": "https://example.com" });
    let duplicate = merged(stored.clone(), json!({ "deduplicated": true }));
    survives::<Published>(stored.clone());
    survives::<Published>(json!([stored, duplicate]));
    survives::<Vec<BatchSlot>>(
        json!([stored, [stored, duplicate], { "error": "destination: is missing", "code": "invalid_body", "requestId": "req_1" }]),
    );
    survives::<ErrorBody>(json!({ "error": "queue q not found", "code": "not_found", "requestId": "req_1" }));
}

#[test]
fn named_resources_survive() {
    survives::<Queue>(
        json!({ "name": "q", "createdAt": 1, "updatedAt": 2, "parallelism": 3, "paused": true, "lag": 4 }),
    );
    survives::<FlowControlKey>(json!({
        "flowControlKey": "k", "waitListSize": 1, "parallelismMax": 2, "parallelismCount": 3, "rateMax": 4,
        "rateCount": 5, "ratePeriod": 6, "ratePeriodStart": 7, "isPinnedParallelism": true, "isPinnedRate": false,
        "isPaused": false,
    }));
    survives::<GlobalParallelism>(json!({ "parallelismMax": 1, "parallelismCount": 2 }));
    survives::<UrlGroup>(json!({
        "name": "g", "createdAt": 1, "updatedAt": 2,
        "endpoints": [{ "url": "https://a.com" }, { "name": "b", "url": "https://b.com/?c=d" }],
    }));
    survives::<SigningKeys>(json!({ "current": "sig_1", "next": "sig_2" }));
    survives::<Health>(json!({ "status": "ready" }));
}

#[test]
fn schedules_survive() {
    let bare = json!({
        "scheduleId": "scd_1", "cron": "* * * * *", "destination": "https://example.com", "method": "POST",
        "createdAt": 1, "retries": 3, "isPaused": false,
    });
    let header = json!({ "X-A": ["1"] });
    let full = merged(
        bare.clone(),
        json!({
            "isPaused": true, "header": header, "body": "hello", "delay": 90, "timeout": 5_000,
            "callback": "https://a.com", "callbackHeader": header, "failureCallback": "https://b.com",
            "failureCallbackHeader": header, "callerIP": "192.0.2.1", "callerIp": "192.0.2.1", "queueName": "q",
            "flowControlKey": "k", "parallelism": 1, "period": 1, "priority": 5, "retryDelayExpression": "1",
            "label": "l", "labels": ["l"], "lastScheduleTime": 2, "nextScheduleTime": 3,
            "lastScheduleStates": { ID: "IN_PROGRESS" }, "error": "no such group", "catchUp": "all",
        }),
    );
    survives::<Vec<Schedule>>(json!([bare, full]));
    survives::<ScheduleCreated>(json!({ "scheduleId": "scd_1" }));
    survives::<ScheduleRun>(json!({ "messageIds": [ID] }));
}

#[test]
fn counts_survive() {
    survives::<Cancelled>(json!({ "cancelled": 1 }));
    survives::<Deleted>(json!({ "deleted": 1 }));
    survives::<Deleted>(json!({ "deleted": 1, "cursor": "1-0" }));
    survives::<Retried>(json!({ "responses": [{ "messageId": ID }], "cursor": "1-0" }));
    survives::<RetriedMessage>(json!({ "messageId": ID }));
}

#[test]
fn responses_of_the_admin_api_survive() {
    let open = json!({ "due": 1, "scheduled": 2, "waiting": 3, "active": 4, "oldestDueSeconds": 5.5 });
    let messages = json!({ "accepted": 1, "delivered": 2, "errors": 3, "failed": 4, "canceled": 5 });
    let row = merged(open.clone(), json!({ "name": "q", "oldestDueSeconds": null }));
    let lists = json!({ "windowSeconds": 60, "byDestination": [row], "byQueue": [] });
    survives::<Stats>(merged(merged(open.clone(), messages.clone()), lists));

    let durations = json!({ "averageMs": 1.5, "p50Ms": 1.0, "p95Ms": 2.0, "p99Ms": 3.0 });
    let unknown = json!({ "averageMs": null, "p50Ms": null, "p95Ms": null, "p99Ms": null });
    let counts = json!({ "processing": 1, "completed": 2, "failed": 3, "failureRate": 0.6 });
    let at = json!({ "at": "2025-11-22T08:26:40Z" });
    let run_point = merged(merged(at.clone(), durations.clone()), json!({ "completed": 2, "failed": 3 }));
    survives::<JobMetrics>(json!({
        "windowSeconds": 60, "stepSeconds": 60, "messages": messages, "all": merged(counts.clone(), unknown),
        "byType": [merged(merged(counts.clone(), durations.clone()), json!({ "type": "send-email" }))],
        "runsOverTime": [run_point], "messagesOverTime": [merged(at.clone(), messages)],
    }));

    let depth = json!({ "average": 1.5, "most": 2 });
    let step = json!({
        "due": depth, "scheduled": depth, "active": depth, "waiting": depth, "oldestDueSeconds": 0.5, "deadLetters": 1,
    });
    survives::<QueueDepth>(json!({ "windowSeconds": 60, "stepSeconds": 60, "overTime": [merged(at, step)] }));

    let alert = json!({
        "rule": "stuck", "subject": "", "severity": "critical", "value": 1.0, "message": "1 run is stuck", "openedAt": 1,
    });
    let runbook = "guides/troubleshooting.md#failure-rate";
    let reason =
        json!({ "check": "failure-rate", "health": "unhealthy", "message": "3 of 5 runs failed", "runbook": runbook });
    let of_subject = merged(reason.clone(), json!({ "subject": "nightly", "health": "degraded" }));
    survives::<JobHealth>(json!({
        "stats": [{ "status": "failed", "count": 3 }], "failureRate": 0.6, "totalJobs": 6, "health": "unhealthy",
        "reasons": [reason, of_subject], "windowSeconds": 60,
        "byType": [merged(counts, json!({ "type": "send-email" }))],
        "stuck": { "count": 1, "oldestSeconds": 700.1, "messageIds": [ID] }, "queue": open,
        "deadLetters": { "inWindow": 1, "total": 2 }, "durations": durations,
        "lastCompletedAt": "2025-11-22T08:26:40.123Z", "alerts": [alert],
    }));
}

#[test]
fn lists_of_the_admin_api_survive() {
    survives::<ActiveRuns>(json!({ "runs": [{
        "messageId": ID, "jobType": "send-email", "attempt": 1, "startedAt": 1, "ageSeconds": 1.5,
        "leaseLeftSeconds": -0.5, "progress": { "done": 1 }, "correlationId": null,
    }] }));
    survives::<DeadLetterGroups>(json!({ "groups": [{
        "destination": "example.com/a", "responseStatus": 500, "error": "why", "count": 2, "firstAt": 1, "lastAt": 2,
    }] }));
    survives::<ScheduleStates>(json!({ "schedules": [{
        "id": "scd_1", "cron": "* * * * *", "destination": "https://example.com", "paused": false, "nextFireAt": 1,
        "lastFireAt": null, "lateSeconds": 0.0, "mirrored": false, "error": null,
    }] }));
    survives::<GateStates>(json!({ "gates": [{
        "kind": "queue", "name": "q", "paused": false, "waiting": 1, "taken": 2, "parallelism": 3, "started": 0,
        "rate": null, "periodSeconds": 1,
    }] }));
    survives::<KeyStates>(json!({ "keys": null }));
    let keys = json!({ "currentFingerprint": "a", "nextFingerprint": "b", "rotatedAt": 1, "ageSeconds": 1.5 });
    survives::<KeyStates>(json!({ "keys": keys }));
}

#[test]
fn requests_are_parsed_as_they_were_built() {
    let queue = UpsertQueue { queue_name: "q".to_owned(), parallelism: 2, paused: true };
    assert_eq!(UpsertQueue::parse(&to_vec(&queue).unwrap()), Ok(queue));

    let item = BatchItem {
        destination: "https://example.com".to_owned(),
        headers: [("Upstash-Delay".to_owned(), "10s".to_owned())].into(),
        body: "hello".to_owned(),
        queue: Some("q".to_owned()),
    };
    let items = [item.clone(), BatchItem { queue: None, ..item }];
    let parsed: Vec<_> = BatchItem::parse_all(&to_vec(&items).unwrap()).unwrap().map(Result::unwrap).collect();
    assert_eq!(parsed, items);

    let endpoint = |name: Option<&str>| Endpoint {
        name: name.map(str::to_owned),
        url: Destination::parse("https://user:secret@example.com/a").unwrap(),
    };
    let endpoints = vec![endpoint(None), endpoint(Some("a"))];
    let request = to_vec(&EditEndpoints::add(endpoints.clone())).unwrap();
    assert_eq!(EditEndpoints::parse(&request).unwrap().to_add(), Ok(endpoints));

    let removed = vec![EndpointRef::Name("a".to_owned()), EndpointRef::Url("https://example.com".to_owned())];
    let request = to_vec(&EditEndpoints::remove(removed.clone())).unwrap();
    assert_eq!(EditEndpoints::parse(&request).unwrap().to_remove(), Ok(removed));
}
