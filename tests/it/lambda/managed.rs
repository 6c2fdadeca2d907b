//! Managed instances: an environment has several concurrent invocations, and is not frozen between them.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::json;
use sigpost_qstash::DEV_TOKEN;

use super::{Deployed, EmailHandler};
use crate::support::event_bridge::Fault;
use crate::support::{Answer, EventBridge, PATIENCE};

const AT_ONCE: usize = 8;

/// Dispatch and the e-mail handler, each with one environment on managed instances.
struct Managed {
    deployed: Deployed,
    handler: EmailHandler,
}

impl Managed {
    async fn start() -> Self {
        let (deployed, handler) = Deployed::start_with_email_handler(|definition| {
            // The concurrency limit of the handler's environment.
            definition.variables.insert("MAX_IN_FLIGHT".to_owned(), AT_ONCE.to_string());
            // Longer than this test locks the table.
            let patient = "?options=-c%20lock_timeout%3D30s";
            definition.variables.get_mut("DATABASE_URL").expect("given").push_str(patient);
            (definition.managed, definition.concurrency) = (Some(AT_ONCE), 1);
        })
        .await;
        // Managed environments start before the first request; here the first invocation starts them.
        for url in [&deployed.url, &handler.url] {
            deployed.client.get(url).send().await.expect("a response");
        }
        Self { deployed, handler }
    }

    async fn publish(&self) {
        let email = json!({
            "template": "welcome", "to": "ada@example.com", "data": { "dashboardUrl": "https://acme.example" },
        });
        let path = format!("/v2/publish/{}/api/jobs/email", self.handler.url);
        let published = self.deployed.request(Method::POST, &path, &[], &email.to_string()).await;
        assert!(published.status.is_success(), "{published:?}");
    }
}

#[tokio::test]
async fn managed_environments_accept_and_run_a_burst_concurrently() {
    let managed = Managed::start().await;
    let Managed { deployed, handler: EmailHandler { function: handler, resend, .. } } = &managed;
    let sent = Answer::status(200).header("Content-Type", "application/json").body(r#"{"id": "e"}"#);
    resend.otherwise(sent.clone().held());

    // All of them are in flight before the first can be stored, and there is no capacity for another.
    deployed.database.execute("begin; lock table messages in exclusive mode").await;
    let accepting = async {
        deployed.dispatch.environments()[0].has_at_once(AT_ONCE).await;
        let one_more = deployed.client.get(&deployed.url).send().await.expect("a response");
        assert_eq!(one_more.status(), StatusCode::TOO_MANY_REQUESTS);
        deployed.database.execute("commit").await;
    };
    tokio::join!(join_all((0..AT_ONCE).map(|_| managed.publish())), accepting);

    // Dispatch has not been invoked since. It delivers, and the handler runs as many concurrently.
    resend.next_many(AT_ONCE).await;
    handler.environments()[0].has_at_once(AT_ONCE).await;
    resend.otherwise(sent);
    resend.release(AT_ONCE);
    let publish_some = async || {
        for _ in 0..12 {
            managed.publish().await;
        }
    };
    join_all((0..AT_ONCE).map(|_| publish_some())).await;
    resend.next_many(12 * AT_ONCE).await;

    // At a graceful shutdown it records its deliveries.
    deployed.dispatch.environments()[0].shut_down(PATIENCE).await;
    for sql in [
        "select count(*) from message_states where state = 'delivered' and deliveries = 1",
        "select count(*) from messages",
        "select count(*) from job_executions where status = 'completed'",
    ] {
        assert_eq!(deployed.database.count(sql).await, 104, "{sql}");
    }
    assert_eq!((deployed.dispatch.environments().len(), handler.environments().len()), (1, 1));
    assert_eq!(resend.all_so_far().await.len(), 0);
}

/// Also with one invocation at a time per environment.
#[tokio::test]
async fn due_messages_are_delivered_without_an_invocation() {
    let deployed = Deployed::start_with(|definition| definition.managed = Some(1)).await;
    deployed.publish(&[("Upstash-Delay", "1s")], "delayed").await;
    assert_eq!(deployed.receiver.next().await.body, "delayed");
    let path = format!("/v2/schedules/{}", deployed.receiver.url("/hook"));
    deployed.request(Method::POST, &path, &[("Upstash-Sigpost-Cron", "* * * * * *")], "fired").await;
    assert_eq!(deployed.receiver.next().await.body, "fired");
}

/// EventBridge does not respond, and the call to it exceeds the function's timeout.
#[tokio::test]
async fn timed_out_invocation_returns_502_and_continues() {
    let event_bridge = EventBridge::start("2026-11-25T12:00:00Z").await;
    let deployed = Deployed::start_with(|definition| {
        definition.variables.extend(event_bridge.environment().map(|(name, value)| (name.to_owned(), value)));
        (definition.managed, definition.timeout) = (Some(2), Duration::from_secs(2));
    })
    .await;
    event_bridge.set_faults(&[Fault::Swallowed]);
    let path = format!("{}/v2/schedules/{}", deployed.url, deployed.receiver.url("/hook"));
    let creation = deployed.client.post(path).bearer_auth(DEV_TOKEN).header("Upstash-Cron", "0 * * * *");
    let answer = creation.header("Upstash-Schedule-Id", "s").send().await.expect("a response");
    assert_eq!((answer.status(), event_bridge.changes()), (StatusCode::BAD_GATEWAY, vec!["POST s".to_owned()]));
    assert_eq!(event_bridge.wait_for_changes().await, ["POST s"], "sent again by the same process");
    assert_eq!((deployed.dispatch.environments().len(), deployed.dispatch.environments()[0].is_dead()), (1, false));
}
