//! Events of a subscription take effect in the order in which they happened, in whatever order they are delivered.

use serde_json::{Value, json};

use super::{AT, activities, event, follow_ups, left, processed, result_of, start};
use crate::jobs::deployment::Deployment;
use sigpost_jobs::payloads::CreateNotification;

const UPDATED: &str = "customer.subscription.updated";
const DELETED: &str = "customer.subscription.deleted";

fn superseded() -> Value {
    left("a later event of the subscription has already been processed")
}

fn subscription(id: &str, status: &str, product: &str, plan: &str) -> Value {
    let item = json!({ "price": { "product": product, "nickname": plan }, "current_period_end": AT + 86_400 });
    json!({ "id": id, "customer": "cus_1", "status": status, "items": { "data": [item] } })
}

/// Returns subscription, product, plan and status of the customer.
async fn state(deployment: &Deployment) -> String {
    let sql =
        "select concat_ws(' ', coalesce(subscription_id, '-'), coalesce(product_id, '-'), coalesce(plan_name, '-'),
                                coalesce(subscription_status, '-')) from stripe_customers";
    deployment.app.database.query(sql, &[]).await[0].get(0)
}

#[tokio::test]
async fn event_older_than_the_last_changes_nothing() {
    let deployment = start().await;
    let newer = event("evt_2", UPDATED, AT + 10, subscription("sub_1", "active", "prod_2", "Team"));
    let older = event("evt_1", UPDATED, AT, subscription("sub_1", "trialing", "prod_1", "Pro"));
    assert_eq!(result_of(&deployment, &newer).await, processed());
    assert_eq!(result_of(&deployment, &older).await, superseded());
    assert_eq!(state(&deployment).await, "sub_1 prod_2 Team active");
    assert_eq!(activities(&deployment).await, ["subscription.updated"]);

    // In the order in which they happened, also within a second, each takes effect.
    let next = event("evt_3", UPDATED, AT + 10, subscription("sub_1", "past_due", "prod_2", "Team"));
    assert_eq!(result_of(&deployment, &next).await, processed());
    assert_eq!(state(&deployment).await, "sub_1 prod_2 Team past_due");
}

#[tokio::test]
async fn ended_subscription_does_not_change() {
    let deployment = start().await;
    let running = event("evt_1", UPDATED, AT, subscription("sub_1", "active", "prod_1", "Pro"));
    let ended = event("evt_2", DELETED, AT + 5, subscription("sub_1", "canceled", "prod_1", "Pro"));
    assert_eq!(result_of(&deployment, &running).await, processed());
    assert_eq!(result_of(&deployment, &ended).await, processed());
    assert_eq!(state(&deployment).await, "- - - canceled");

    for (id, at) in [("evt_3", AT + 5), ("evt_4", AT + 3600)] {
        let late = event(id, UPDATED, at, subscription("sub_1", "active", "prod_1", "Pro"));
        assert_eq!(result_of(&deployment, &late).await, superseded());
    }
    assert_eq!(state(&deployment).await, "- - - canceled");
    let told = follow_ups::<CreateNotification>(&deployment).await;
    let [told] = &told[..] else { panic!("{told:?}") };
    assert_eq!((&told["type"], &told["priority"]), (&json!("billing.subscription_canceled"), &json!("important")));
    assert_eq!(told["message"], "Your subscription was canceled. You have access until 2026-11-27.");
}

#[tokio::test]
async fn end_of_an_old_subscription_keeps_its_successor() {
    let deployment = start().await;
    for (id, kind, at, data) in [
        ("evt_1", UPDATED, AT, subscription("sub_1", "active", "prod_1", "Pro")),
        ("evt_2", UPDATED, AT + 10, subscription("sub_2", "active", "prod_2", "Team")),
        ("evt_3", DELETED, AT + 20, subscription("sub_1", "canceled", "prod_1", "Pro")),
        ("evt_4", UPDATED, AT + 5, subscription("sub_3", "active", "prod_3", "Old")),
    ] {
        assert_eq!(result_of(&deployment, &event(id, kind, at, data)).await, processed());
    }
    assert_eq!(state(&deployment).await, "sub_2 prod_2 Team active");
}

#[tokio::test]
async fn trial_end_is_notified_unless_it_has_ended() {
    let deployment = start().await;
    let kind = "customer.subscription.trial_will_end";
    let trial = |id: &str| {
        let mut trial = subscription(id, "trialing", "prod_1", "Pro");
        trial["trial_end"] = json!(AT + 3 * 86_400);
        trial
    };
    assert_eq!(result_of(&deployment, &event("evt_1", kind, AT, trial("sub_1"))).await, processed());
    let ended = event("evt_2", UPDATED, AT + 10, subscription("sub_2", "active", "prod_1", "Pro"));
    assert_eq!(result_of(&deployment, &ended).await, processed());
    assert_eq!(result_of(&deployment, &event("evt_3", kind, AT, trial("sub_2"))).await, superseded());

    let told = follow_ups::<CreateNotification>(&deployment).await;
    let [told] = &told[..] else { panic!("{told:?}") };
    assert_eq!((&told["type"], &told["expiresAt"]), (&json!("billing.trial_ending"), &json!("2026-12-03T10:00:00Z")));
    assert!(told["metadata"]["daysRemaining"].is_u64(), "{told}");
}
