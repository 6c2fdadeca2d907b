//! Counts and lists of the admin API.

use dispatch::dispatcher::StepKind;

use super::session::Session;
use crate::support::{Answer, TestApp};

/// Reads every list and count of messages.
async fn read_all(s: &mut Session) {
    for path in ["job-health", "stats", "active", "dead-letters", "throttle", "job-metrics", "queue-depth"] {
        s.admin(path).await;
    }
}

/// Inserts messages in every state. Those that are due stay pending until a dispatcher starts.
#[tokio::test]
async fn admin_api_counts_and_lists_messages() {
    let mut s = Session::start_with("admin_api", |config| config.dispatcher = None).await;
    read_all(&mut s).await;
    s.app.receiver.answers([Answer::status(200)]);
    let queued = [("Upstash-Queue-Name", "mail")];
    s.post("/v2/flowControl/key/pause").await;
    let key = [("Upstash-Flow-Control-Key", "key"), ("Upstash-Flow-Control-Value", "parallelism=2, rate=3, period=1m")];
    let due = s.publish("/due", &[], "").await;
    s.publish("/delayed", &[("Upstash-Delay", "1h")], "").await;
    s.publish("/blocked", &key, "").await;
    s.publish("/blocked", &key, "").await;
    read_all(&mut s).await;

    let dispatcher = TestApp::start_on(&s.app.database, |_| {}).await;
    dispatcher.wait_for(due, StepKind::Delivered).await;
    s.app.receiver.answers([Answer::status(500), Answer::status(500), Answer::status(404), Answer::status(500)]);
    for path in ["/failed", "/failed?n=2", "/other"] {
        let id = s.publish(path, &[("Upstash-Retries", "0")], "").await;
        dispatcher.wait_for(id, StepKind::Failed).await;
    }
    let retrying = s.publish("/retrying", &[("Upstash-Retry-Delay", "3600000")], "").await;
    dispatcher.wait_for(retrying, StepKind::Retried).await;
    s.app.receiver.otherwise(Answer::status(200).held());
    let active = s.publish("/active", &queued, "").await;
    dispatcher.wait_for(active, StepKind::Pushed).await;
    s.publish("/waiting", &queued, "").await;
    let cancelled = s.publish("/cancelled", &[("Upstash-Delay", "1h")], "").await;
    s.delete(&format!("/v2/messages/{cancelled}")).await;
    // The dispatcher may have taken a sample at its start.
    s.app.database.execute("delete from queue_samples; select sample_queue()").await;
    read_all(&mut s).await;
    s.admin("stats?window=2h").await;
    s.admin("stats?window=1s").await;
    s.admin("job-health?window=8d").await;
    s.get("/v2/globalParallelism").await;
    s.finish();
}
