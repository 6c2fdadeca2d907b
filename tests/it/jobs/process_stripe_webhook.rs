//! The process-stripe-webhook function: from an event to the customer's e-mail and notification.

mod ordering;

use dispatch::dispatcher::StepKind;
use futures_util::future::join_all;
use process_stripe_webhook::Config;
use send_email::{Brand, Transport};
use serde_json::{Value, json};
use sigpost_jobs::Job;
use sigpost_jobs::payloads::{CreateNotification, ProcessStripeWebhook, SendEmail};
use sigpost_qstash::MessageId;

use super::deployment::Deployment;

/// The time of these tests' events: 2026-11-26 10:00:00.
const AT: i64 = 1_795_687_200;

/// Starts a deployment with a customer: Stripe's handler, and the handlers of its follow-up jobs.
async fn start() -> Deployment {
    let deployment = Deployment::start(|harness| {
        let config = Config { app_url: "https://acme.example".parse().expect("a URL") };
        let email = send_email::Config {
            transport: Transport::Log,
            from: "Acme <hello@acme.example>".into(),
            reply_to: None,
            brand: Brand::named("Acme"),
        };
        process_stripe_webhook::router(config, harness.clone())
            .merge(create_notification::router(harness.clone()))
            .merge(send_email::router(email, harness).expect("a configuration"))
    })
    .await;
    let customer = "insert into stripe_customers (id, organization_id, owner_id, owner_email, owner_name)
                    values ('cus_1', 'org_9', 'user_7', 'ada@example.com', 'Ada')";
    deployment.app.database.execute(customer).await;
    deployment
}

fn event(id: &str, kind: &str, at: i64, data: Value) -> Value {
    json!({ "eventId": id, "eventType": kind, "eventCreated": at, "eventData": data, "ipAddress": "3.18.12.63" })
}

async fn deliver(deployment: &Deployment, event: &Value) -> MessageId {
    let id = deployment.publish::<ProcessStripeWebhook>(&[], event).await;
    deployment.app.wait_for(id, StepKind::Delivered).await;
    id
}

/// Delivers an event, and returns the result of its run.
async fn result_of(deployment: &Deployment, event: &Value) -> Value {
    let id = deliver(deployment, event).await;
    deployment.runs(id).await.pop().expect("a run")["result"].take()
}

fn processed() -> Value {
    json!({ "processed": true })
}

fn left(reason: &str) -> Value {
    json!({ "processed": false, "reason": reason })
}

/// Returns the follow-up jobs of this type: payload and user.
async fn follow_ups<J: Job>(deployment: &Deployment) -> Vec<Value> {
    let sql = "select convert_from(body, 'utf8') from messages where url like '%' || $1 order by created_at, id";
    let rows = deployment.app.database.query(sql, &[&J::ENDPOINT]).await;
    let mut jobs: Vec<Value> = rows.iter().map(|row| serde_json::from_str(row.get(0)).expect("JSON")).collect();
    for job in &mut jobs {
        assert_eq!(
            (&job["metadata"]["userId"], &job["metadata"]["organizationId"]),
            (&json!("user_7"), &json!("org_9"))
        );
    }
    jobs.iter_mut().map(|job| job["payload"].take()).collect()
}

/// Returns the recorded activities, oldest first.
async fn activities(deployment: &Deployment) -> Vec<String> {
    let sql = "select action from activity_logs
               where organization_id = 'org_9' and user_id = 'user_7' and ip_address = '3.18.12.63'
               order by created_at, id";
    deployment.app.database.query(sql, &[]).await.iter().map(|row| row.get(0)).collect()
}

/// Waits until all follow-up jobs are completed.
async fn wait_for_follow_ups(deployment: &Deployment) {
    let ids = deployment.app.database.query("select id::text from messages where url not like '%stripe%'", &[]).await;
    for row in ids {
        deployment.app.wait_for(MessageId(row.get::<_, &str>(0).parse().expect("a UUID")), StepKind::Delivered).await;
    }
}

#[tokio::test]
async fn checkout_is_confirmed_by_email_and_notification() {
    let deployment = start().await;
    let session = json!({
        "id": "cs_1", "customer": "cus_1", "subscription": "sub_1", "amount_total": 2900, "currency": "usd",
        "metadata": { "planName": "Pro" },
    });
    let event = event("evt_1", "checkout.session.completed", AT, session);
    assert_eq!(result_of(&deployment, &event).await, processed());

    let email = json!({
        "template": "subscriptionCreated", "to": ["ada@example.com"],
        "data": { "planName": "Pro", "amount": "29.00", "dashboardUrl": "https://acme.example/app/general", "recipientName": "Ada" },
    });
    assert_eq!(follow_ups::<SendEmail>(&deployment).await, [email]);
    let told = follow_ups::<CreateNotification>(&deployment).await;
    let [told] = &told[..] else { panic!("{told:?}") };
    assert_eq!((&told["userId"], &told["type"]), (&json!("user_7"), &json!("billing.subscription_created")));
    assert_eq!((&told["priority"], &told["expiresAt"]), (&json!("info"), &json!("2026-12-26T10:00:00Z")));
    assert_eq!(activities(&deployment).await, ["subscription.created"]);

    wait_for_follow_ups(&deployment).await;
    let row = "select count(*) from notifications where user_id = 'user_7' and kind = 'billing.subscription_created'";
    assert_eq!(deployment.app.database.count(row).await, 1);
}

/// A pending payment method (a bank debit) confirms a checkout after its completion.
#[tokio::test]
async fn unpaid_checkout_takes_effect_when_its_payment_succeeds() {
    let deployment = start().await;
    let session = |mode: &str, status: &str| {
        json!({
            "id": "cs_1", "customer": "cus_1", "mode": mode, "payment_status": status, "amount_total": 500,
            "currency": "ugx",
        })
    };
    let pending = "the payment is pending; checkout.session.async_payment_succeeded follows";
    let failed = "event type checkout.session.async_payment_failed is not supported";
    let other = "the checkout is not for a subscription";
    for (id, kind, data, reason) in [
        ("evt_1", "checkout.session.completed", session("payment", "paid"), other),
        ("evt_2", "checkout.session.completed", session("setup", "no_payment_required"), other),
        ("evt_3", "checkout.session.completed", session("subscription", "unpaid"), pending),
        ("evt_4", "checkout.session.async_payment_failed", session("subscription", "unpaid"), failed),
    ] {
        assert_eq!(result_of(&deployment, &event(id, kind, AT, data)).await, left(reason), "{id}");
    }
    let invoice = json!({ "customer": "cus_1", "amount_paid": 0, "currency": "usd" });
    let trial = event("evt_5", "invoice.payment_succeeded", AT, invoice);
    assert_eq!(result_of(&deployment, &trial).await, left("the paid amount is 0"));
    assert_eq!(activities(&deployment).await, [] as [&str; 0]);
    assert_eq!(follow_ups::<SendEmail>(&deployment).await, [] as [Value; 0]);
    assert_eq!(follow_ups::<CreateNotification>(&deployment).await, [] as [Value; 0]);

    let kind = "checkout.session.async_payment_succeeded";
    let confirmed = event("evt_6", kind, AT, session("subscription", "paid"));
    assert_eq!(result_of(&deployment, &confirmed).await, processed());
    assert_eq!(activities(&deployment).await, ["subscription.created"]);
    assert_eq!(follow_ups::<SendEmail>(&deployment).await[0]["data"]["amount"], "5");
    assert_eq!(follow_ups::<CreateNotification>(&deployment).await.len(), 1);
}

#[tokio::test]
async fn payments_are_notified_and_failures_emailed() {
    let deployment = start().await;
    let invoice = |amount: i64| json!({ "customer": { "id": "cus_1" }, "amount_due": amount, "amount_paid": amount, "currency": "eur" });
    let failed = event("evt_1", "invoice.payment_failed", AT, invoice(1250));
    let succeeded = event("evt_2", "invoice.payment_succeeded", AT + 60, invoice(1250));
    assert_eq!(result_of(&deployment, &failed).await, processed());
    assert_eq!(result_of(&deployment, &succeeded).await, processed());

    let emails = follow_ups::<SendEmail>(&deployment).await;
    let data = json!({
        "amountDue": "12.50", "paymentDetailsUrl": "https://acme.example/app/settings/billing", "recipientName": "Ada",
    });
    assert_eq!(emails, [json!({ "template": "paymentFailed", "to": ["ada@example.com"], "data": data })]);
    let told = follow_ups::<CreateNotification>(&deployment).await;
    let kinds: Vec<_> = told.iter().map(|told| (&told["type"], &told["priority"])).collect();
    assert_eq!(
        kinds,
        [(&json!("billing.payment_failed"), &json!("critical")), (&json!("billing.payment_success"), &json!("info")),]
    );
    assert_eq!(activities(&deployment).await, ["payment.failed", "payment.succeeded"]);
}

#[tokio::test]
async fn repeated_event_changes_and_sends_nothing() {
    let deployment = start().await;
    let invoice = json!({ "customer": "cus_1", "amount_due": 1250, "currency": "eur" });
    let event = event("evt_1", "invoice.payment_failed", AT, invoice);
    let id = deliver(&deployment, &event).await;

    // The same message, as if the first run's process crashed after its commit, and the same event in another
    // message.
    let test = &deployment.app.database;
    test.execute(
        "update job_executions set status = 'processing', lease_until = now() - interval '1 s', completed_at = null, result = null
         where job_type = 'process-stripe-webhook';
         insert into pending_deliveries (id, due_at, body_bytes)
             select id, now(), octet_length(body) from messages where url like '%stripe%';
         notify sigpost",
    )
    .await;
    deployment.app.wait_for_times(id, StepKind::Delivered, 2).await;
    assert_eq!(deployment.runs(id).await[1]["result"], left("the event has already been processed"));
    assert_eq!(result_of(&deployment, &event).await, left("the event has already been processed"));

    assert_eq!(follow_ups::<SendEmail>(&deployment).await.len(), 1);
    assert_eq!(follow_ups::<CreateNotification>(&deployment).await.len(), 1);
    assert_eq!(activities(&deployment).await.len(), 1);
}

#[tokio::test]
async fn concurrent_messages_with_the_same_event_take_effect_once() {
    let deployment = start().await;
    let invoice = json!({ "customer": "cus_1", "amount_due": 1250, "currency": "eur" });
    let event = event("evt_1", "invoice.payment_failed", AT, invoice);
    let results = join_all((0..5).map(|_| result_of(&deployment, &event))).await;
    assert_eq!(results.iter().filter(|result| **result == processed()).count(), 1, "{results:?}");
    assert_eq!(follow_ups::<SendEmail>(&deployment).await.len(), 1);
    assert_eq!(activities(&deployment).await.len(), 1);
}

#[tokio::test]
async fn event_whose_last_step_fails_changes_and_sends_nothing() {
    let deployment = start().await;
    let test = &deployment.app.database;
    // The notification is enqueued last, and this user ID is invalid.
    test.execute("update stripe_customers set owner_id = repeat('x', 300)").await;
    let ended = json!({ "id": "sub_1", "customer": "cus_1", "status": "canceled" });
    let id = deployment
        .publish::<ProcessStripeWebhook>(&[], &event("evt_1", "customer.subscription.deleted", AT, ended))
        .await;
    deployment.app.wait_for(id, StepKind::Failed).await;
    let said = deployment.dead_letter_error(id).await;
    assert!(said.starts_with("create-notification: userId: must be 1 to 255 bytes"), "{said}");
    for table in ["stripe_events", "stripe_subscriptions", "activity_logs"] {
        assert_eq!(test.count(&format!("select count(*) from {table}")).await, 0, "{table}");
    }
    assert_eq!(test.count("select count(*) from messages where url not like '%stripe%'").await, 0);
}

#[tokio::test]
async fn irrelevant_event_is_ignored_with_a_reason() {
    let deployment = start().await;
    let invoice = |customer: Value| json!({ "customer": customer, "amount_due": 1 });
    for (event, reason) in [
        (
            event("evt_1", "charge.refunded", AT, json!({ "customer": "cus_1" })),
            "event type charge.refunded is not supported",
        ),
        (event("evt_2", "invoice.payment_failed", AT, invoice(Value::Null)), "the event has no customer"),
        (event("evt_3", "invoice.payment_failed", AT, invoice(json!("cus_2"))), "unknown customer cus_2"),
    ] {
        assert_eq!(result_of(&deployment, &event).await, left(reason));
    }
    // The event was not recorded: once the customer exists, it can be sent again.
    deployment.app.database.execute("update stripe_customers set id = 'cus_2'").await;
    let again = event("evt_3", "invoice.payment_failed", AT, invoice(json!("cus_2")));
    assert_eq!(result_of(&deployment, &again).await, processed());
}

#[tokio::test]
async fn invalid_event_is_a_dead_letter_that_names_the_field() {
    let deployment = start().await;
    let subscription = "customer.subscription.updated";
    for (job, error) in [
        (json!({ "eventType": subscription, "eventId": "evt_1" }), "eventData: is missing"),
        (event("", subscription, AT, json!({})), "eventId: must be 1 to 255 bytes"),
        (event("evt_1", subscription, -1, json!({})), "eventCreated: must be seconds since 1970"),
        (event("evt_1", subscription, AT, json!([])), "eventData: must be "),
        (event("evt_1", subscription, AT, json!({ "id": "sub_1" })), "eventData.status: is required"),
        (
            event("evt_1", "invoice.payment_failed", AT, json!({ "amount_due": "x" })),
            "eventData.amount_due: must be a whole number",
        ),
    ] {
        let id = deployment.publish::<ProcessStripeWebhook>(&[], &job).await;
        deployment.app.wait_for(id, StepKind::Failed).await;
        let said = deployment.dead_letter_error(id).await;
        assert!(said.starts_with(error), "{said}");
    }
    assert_eq!(deployment.run_count().await, 0);
}
