//! Optional fields of job types: `null` equals absence.

use serde_json::{Value, json};
use sigpost_jobs::Job;
use sigpost_jobs::payloads::{
    CheckJobHealth, CleanupOldData, CreateNotification, ExportData, GenerateReport, ProcessStripeWebhook,
    ProcessWebhook, SendEmail,
};

/// Parses the job and serializes it again. Returns `None` if it is invalid.
fn read<J: Job>(payload: &Value) -> Option<Value> {
    let job: J = serde_json::from_value(payload.clone()).ok()?;
    job.validate().ok()?;
    serde_json::to_value(job).ok()
}

/// Returns the JSON pointers of all members of all objects.
fn members(value: &Value, path: &str) -> Vec<String> {
    match value {
        Value::Object(fields) => {
            let inner = fields.iter().flat_map(|(name, member)| {
                let path = format!("{path}/{name}");
                let below = members(member, &path);
                std::iter::once(path).chain(below)
            });
            inner.collect()
        }
        Value::Array(items) => {
            items.iter().enumerate().flat_map(|(index, item)| members(item, &format!("{path}/{index}"))).collect()
        }
        _ => Vec::new(),
    }
}

fn without(payload: &Value, path: &str) -> Value {
    let (parent, name) = path.rsplit_once('/').expect("a member");
    let mut payload = payload.clone();
    payload.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object").remove(name);
    payload
}

fn with_null(payload: &Value, path: &str) -> Value {
    let mut payload = payload.clone();
    *payload.pointer_mut(path).expect("a member") = Value::Null;
    payload
}

/// Asserts that each optional member may be null with the same result, except in an object that is passed on
/// unchanged, which keeps its null. Returns the optional members.
fn null_is_as_absent<J: Job>(payload: &Value, passed_on: &str) -> Vec<String> {
    assert!(read::<J>(payload).is_some(), "{}: {payload}", J::TYPE);
    let is_optional = |path: &String| read::<J>(&without(payload, path)).is_some();
    let optional: Vec<String> = members(payload, "").into_iter().filter(is_optional).collect();
    for path in &optional {
        let null = read::<J>(&with_null(payload, path));
        assert!(null.is_some(), "{}: null in {path} is rejected", J::TYPE);
        if passed_on.is_empty() || !path.starts_with(passed_on) {
            assert_eq!(null, read::<J>(&without(payload, path)), "{}: {path}", J::TYPE);
        }
    }
    optional
}

#[test]
fn null_in_an_optional_field_equals_absence() {
    let email = json!({
        "template": "passwordChanged", "to": ["ada@example.com"], "cc": ["b@example.com"], "bcc": ["c@example.com"],
        "data": { "changedAt": "now", "ipAddress": "::1", "recipientName": "Ada", "supportEmail": "help@example.com" },
        "replyTo": ["d@example.com"], "headers": { "X-Order": "7" }, "scheduledAt": "2020-01-01T00:00:00Z",
        "attachments": [{ "filename": "a.txt", "content": "YQ==", "contentType": "text/plain" }],
    });
    let optional = [
        "/attachments",
        "/attachments/0/contentType",
        "/bcc",
        "/cc",
        "/data/ipAddress",
        "/data/recipientName",
        "/data/supportEmail",
        "/headers",
        "/headers/X-Order",
        "/replyTo",
        "/scheduledAt",
    ];
    assert_eq!(null_is_as_absent::<SendEmail>(&email, "/data/"), optional);

    let event = json!({
        "type": "system.update", "category": "billing", "priority": "critical", "title": "T", "message": "M",
        "metadata": { "actionUrl": "/a", "own": 1 }, "expiresAt": "2030-01-01T00:00:00Z",
    });
    let mut one = event.clone();
    one["userId"] = "user_7".into();
    let optional = ["/category", "/expiresAt", "/metadata", "/metadata/actionUrl", "/metadata/own", "/priority"];
    assert_eq!(null_is_as_absent::<CreateNotification>(&one, "/metadata/"), optional);
    let many = json!({ "userIds": ["user_7"], "event": event });
    let optional = optional.map(|path| format!("/event{path}"));
    assert_eq!(null_is_as_absent::<CreateNotification>(&many, "/event/metadata/"), optional);

    let stripe = json!({
        "eventType": "invoice.payment_failed", "eventId": "evt_1", "eventCreated": 1, "customerId": "cus_1",
        "eventData": { "customer": "cus_1", "amount_due": 1, "currency": "usd" }, "subscriptionId": "sub_1",
        "ipAddress": "::1",
    });
    let optional = [
        "/customerId",
        "/eventCreated",
        "/eventData/amount_due",
        "/eventData/currency",
        "/eventData/customer",
        "/ipAddress",
        "/subscriptionId",
    ];
    assert_eq!(null_is_as_absent::<ProcessStripeWebhook>(&stripe, "/eventData/"), optional);

    let webhook = json!({
        "source": "resend", "event": "email.sent", "data": { "email_id": "re_1" }, "signature": "s",
        "occurredAt": "2026-01-01T00:00:00Z",
    });
    let optional = ["/data/email_id", "/occurredAt", "/signature"];
    assert_eq!(null_is_as_absent::<ProcessWebhook>(&webhook, "/data/"), optional);

    let filters = json!({
        "createdAfter": "2026-01-01T00:00:00Z", "createdBefore": "2026-02-01T00:00:00Z", "status": "completed",
        "jobType": "send-email", "userId": "user_7", "organizationId": "org_9",
    });
    let export = json!({
        "entityType": "jobExecutions", "format": "csv", "filters": filters, "recipients": ["ada@example.com"],
    });
    let optional = [
        "/filters",
        "/filters/createdAfter",
        "/filters/createdBefore",
        "/filters/jobType",
        "/filters/organizationId",
        "/filters/status",
        "/filters/userId",
        "/recipients",
    ];
    assert_eq!(null_is_as_absent::<ExportData>(&export, ""), optional);

    let report = json!({
        "reportType": "usage", "format": "pdf", "recipients": ["ada@example.com"],
        "dateRange": { "from": "2026-03-01T00:00:00Z", "to": "2026-03-08T00:00:00Z" },
    });
    assert_eq!(null_is_as_absent::<GenerateReport>(&report, ""), [] as [&str; 0]);

    let cleanup = json!({ "retention": 30, "activityRetention": 400 });
    assert_eq!(null_is_as_absent::<CleanupOldData>(&cleanup, ""), ["/activityRetention"]);
    assert_eq!(null_is_as_absent::<CheckJobHealth>(&json!({ "windowSeconds": 60 }), ""), ["/windowSeconds"]);
}
