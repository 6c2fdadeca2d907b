//! The ingress function: webhooks signed by the official libraries of Stripe and Svix.

mod webhooks;

use dispatch::dispatcher::StepKind;
use jiff::Timestamp;
use serde_json::{Value, json};
use sigpost_qstash::MessageId;
use sigpost_store::Database;

use self::webhooks::{Entrance, Webhook, signed};
use crate::support::{Proxy, TestDatabase};

fn now() -> i64 {
    Timestamp::now().as_second()
}

fn payment_failed(id: &str) -> Value {
    let invoice =
        json!({ "id": "in_1", "object": "invoice", "customer": "cus_1", "amount_due": 1250, "currency": "eur" });
    json!({ "id": id, "object": "event", "type": "invoice.payment_failed", "created": now(), "data": { "object": invoice } })
}

fn email_event(kind: &str, minute: u32) -> Value {
    let data = json!({ "email_id": "re_1", "to": ["ada@example.com"], "subject": "Hi", "from": "hello@acme.example" });
    json!({ "type": kind, "created_at": format!("2026-11-26T10:{minute:02}:00.000Z"), "data": data })
}

/// Waits until all stored jobs are completed, without their follow-up jobs.
async fn wait_for_all(entrance: &Entrance) {
    for row in
        entrance.deployment.app.database.query("select id::text from messages where url like '%webhook'", &[]).await
    {
        let id = MessageId(row.get::<_, &str>(0).parse().expect("a UUID"));
        entrance.deployment.app.wait_for(id, StepKind::Delivered).await;
    }
}

#[tokio::test]
async fn stripe_event_is_accepted_immediately_and_processed_once() {
    let Some(webhooks) = signed([Webhook::stripe(&payment_failed("evt_1"))]).await else { return };
    let entrance = Entrance::open().await;
    for _ in 0..3 {
        let answered = entrance.receive(&webhooks[0]).await;
        assert_eq!((answered.status.as_u16(), answered.body), (200, json!({ "received": true })));
    }
    assert_eq!(entrance.stored().await, 1);
    wait_for_all(&entrance).await;

    let row = "select count(*) from stripe_events where id = 'evt_1'";
    assert_eq!(entrance.deployment.app.database.count(row).await, 1);
    let from = "select ip_address from activity_logs where action = 'payment.failed'";
    let from: Option<String> = entrance.deployment.app.database.query(from, &[]).await[0].get(0);
    assert_eq!(from.as_deref(), Some("3.18.12.63"));
}

#[tokio::test]
async fn resend_events_advance_an_email_in_any_order() {
    let events = [("msg_1", "email.bounced", 5), ("msg_2", "email.delivered", 1), ("msg_1", "email.bounced", 5)];
    let Some(webhooks) = signed(events.map(|(id, kind, minute)| Webhook::resend(id, &email_event(kind, minute)))).await
    else {
        return;
    };
    let entrance = Entrance::open().await;
    for webhook in &webhooks {
        let answered = entrance.receive(webhook).await;
        assert_eq!((answered.status.as_u16(), answered.body), (200, json!({ "message": "Webhook received" })));
        wait_for_all(&entrance).await;
    }
    assert_eq!(entrance.stored().await, 2);
    let row = "select count(*) from email_logs where status = 'bounced' and delivered_at = '2026-11-26T10:01:00Z'";
    assert_eq!(entrance.deployment.app.database.count(row).await, 1);
}

#[tokio::test]
async fn unsupported_resend_event_is_reported_as_ignored() {
    let Some(webhooks) = signed([Webhook::resend("msg_1", &email_event("email.opened", 1))]).await else { return };
    let entrance = Entrance::open().await;
    let answered = entrance.receive(&webhooks[0]).await;
    assert_eq!((answered.status.as_u16(), &answered.body["ignored"]), (200, &json!("email.opened")));
    assert_eq!(entrance.stored().await, 0);
}

#[tokio::test]
async fn both_secrets_are_accepted_during_rotation() {
    let new = Webhook { secret: webhooks::NEW_STRIPE_SECRET, ..Webhook::stripe(&payment_failed("evt_1")) };
    let old = Webhook::stripe(&payment_failed("evt_2"));
    let new_of_resend =
        Webhook { secret: webhooks::NEW_RESEND_SECRET, ..Webhook::resend("msg_1", &email_event("email.sent", 0)) };
    let Some(webhooks) = signed([new, old, new_of_resend]).await else { return };
    let entrance = Entrance::open().await;
    for webhook in &webhooks {
        assert_eq!(entrance.receive(webhook).await.status, 200);
    }
    assert_eq!(entrance.stored().await, 3);

    // Stripe sends one signature per secret while a secret is rotated.
    let body = payment_failed("evt_3").to_string();
    let by_known = Webhook::stripe_text(&body);
    let by_unknown = Webhook { secret: "whsec_unknown", ..by_known.clone() };
    let Some(mut two) = signed([by_known, by_unknown]).await else { return };
    let (_, known) = two[0].header("Stripe-Signature").split_once(',').expect("a signature");
    let both = format!("{},{known}", two[1].header("Stripe-Signature"));
    two[1].headers.insert("Stripe-Signature".into(), both.into());
    assert_eq!(entrance.receive(&two[1]).await.status, 200);
}

#[tokio::test]
async fn invalid_signature_is_rejected_with_the_reason_and_not_stored() {
    let stripe = || Webhook::stripe(&payment_failed("evt_1"));
    let resend = || Webhook::resend("msg_1", &email_event("email.sent", 0));
    let cases = [
        (
            Webhook { secret: "whsec_another", ..stripe() },
            "Webhook signature verification failed. Signature does not match any secret.",
        ),
        (
            Webhook { at: now() - 400, ..stripe() },
            "Webhook signature verification failed. Timestamp more than 300 s in the past",
        ),
        (
            Webhook { at: now() + 400, ..stripe() },
            "Webhook signature verification failed. Timestamp more than 300 s in the future",
        ),
        (
            Webhook { secret: "whsec_YW5vdGhlcg==", ..resend() },
            "Invalid signature. Signature does not match any secret.",
        ),
        (Webhook { at: now() - 400, ..resend() }, "Invalid signature. Timestamp more than 300 s in the past"),
    ];
    let (webhooks, rejections): (Vec<_>, Vec<_>) = cases.into_iter().unzip();
    let Some(signed_ones) = signed(webhooks).await else { return };
    let Some(good) = signed([stripe(), resend()]).await else { return };
    let entrance = Entrance::open().await;
    for (webhook, rejection) in signed_ones.iter().zip(rejections) {
        let answered = entrance.receive(webhook).await;
        assert_eq!(answered.status, 400);
        assert!(answered.error().starts_with(rejection), "{answered:?}");
    }
    for (mut webhook, without) in [
        (good[0].clone(), "Webhook signature header missing."),
        (good[1].clone(), "Invalid signature. Header svix-id missing."),
    ] {
        webhook.body.push(' ');
        assert!(entrance.receive(&webhook).await.error().ends_with("Signature does not match any secret."));
        webhook.headers.clear();
        assert_eq!(entrance.receive(&webhook).await.error(), without);
    }
    assert_eq!(entrance.stored().await, 0);
}

#[tokio::test]
async fn signed_but_invalid_body_is_rejected_by_field() {
    let subscription = json!({ "id": "evt_1", "type": "customer.subscription.updated", "created": 1, "data": { "object": { "id": "sub_1" } } });
    let cases = [
        (
            Webhook::stripe(&json!({ "id": "evt_1", "type": "x", "created": 1 })),
            "Invalid payload. body: requires the field data",
        ),
        (
            Webhook::stripe(&json!({ "id": "evt_1", "type": "x", "created": "now" })),
            "Invalid payload. created: must be a whole number, got \"now\"",
        ),
        (Webhook::stripe(&subscription), "Invalid payload. eventData.status: is required"),
        (Webhook::stripe_text("{"), "Invalid payload. body: not valid JSON"),
        (
            Webhook::resend("msg_1", &json!({ "type": "email.sent", "created_at": "soon", "data": {} })),
            "Invalid payload. created_at: ",
        ),
    ];
    let (webhooks, rejections): (Vec<_>, Vec<_>) = cases.into_iter().unzip();
    let Some(webhooks) = signed(webhooks).await else { return };
    let entrance = Entrance::open().await;
    for (webhook, rejection) in webhooks.iter().zip(rejections) {
        let answered = entrance.receive(webhook).await;
        assert_eq!(answered.status, 400);
        assert!(answered.error().starts_with(rejection), "{answered:?}");
    }
    assert_eq!(entrance.stored().await, 0);
}

#[tokio::test]
async fn webhook_returns_503_while_postgres_is_down() {
    let webhooks = [Webhook::stripe(&payment_failed("evt_1")), Webhook::resend("msg_1", &email_event("email.sent", 0))];
    let Some(webhooks) = signed(webhooks).await else { return };
    let database = TestDatabase::new().await;
    let proxy = Proxy::to(database.port()).await;
    let away = Database::new(&proxy.url(&database.url), 2).expect("a URL");
    let entrance = Entrance::open_over(away).await;
    proxy.forward_to(None);
    for webhook in &webhooks {
        let answered = entrance.receive(webhook).await;
        assert_eq!(answered.status, 503);
        assert!(answered.error().starts_with("the database is unavailable"), "{answered:?}");
    }
    proxy.forward_to(Some(database.port()));
    for webhook in &webhooks {
        assert_eq!(entrance.receive(webhook).await.status, 200);
    }
    assert_eq!(database.count("select count(*) from messages").await, 2);
}

#[tokio::test]
async fn missing_secret_or_oversized_body_is_rejected_unread() {
    let entrance = Entrance::without_secrets().await;
    for path in ["/webhooks/stripe", "/webhooks/resend"] {
        let answered = entrance.post(path, &[], "{}").await;
        assert_eq!(answered.status, 404);
        assert!(answered.error().ends_with("_WEBHOOK_SECRET is not set"), "{answered:?}");
        assert_eq!(entrance.post(path, &[], &"x".repeat(1_000_001)).await.status, 413);
    }
}
