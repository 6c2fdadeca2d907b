//! The log is searched and read in pages.

use dispatch::dispatcher::StepKind;
use reqwest::Method;
use serde_json::json;
use sigpost_qstash::MessageId;

use super::session::Session;
use crate::support::Answer;

/// The messages in the log.
struct World {
    session: Session,
    delivered: MessageId,
    cancelled: MessageId,
    failed: MessageId,
}

impl World {
    /// Publishes a message for each state, in order, and a message with each field that is a filter.
    async fn start(scenario: &'static str) -> Self {
        let mut s = Session::start(scenario).await;
        s.app.receiver.answers([Answer::status(200), Answer::status(503), Answer::status(500).body("sorry").held()]);
        let delivered = s.publish("/hook", &[("Upstash-Label", "red,green")], "first").await;
        s.app.wait_for(delivered, StepKind::Delivered).await;
        let headers = [("Upstash-Label", "blue"), ("Upstash-Retry-Delay", "3600000")];
        let retrying = s.publish("/retrying?a=1", &headers, "second").await;
        s.app.wait_for(retrying, StepKind::Retried).await;
        let cancelled = s.publish("/cancelled", &[("Upstash-Delay", "1h")], "").await;
        s.delete(&format!("/v2/messages/{cancelled}")).await;
        let failed = s.publish("/failed", &[("Upstash-Retries", "0"), ("Upstash-Queue-Name", "mail")], "").await;
        s.app.wait_for(failed, StepKind::Pushed).await;
        s.release().await;
        s.app.wait_for(failed, StepKind::Failed).await;
        s.post("/v2/flowControl/key/pause").await;
        let key = [("Upstash-Flow-Control-Key", "key"), ("Upstash-Flow-Control-Value", "parallelism=1")];
        s.publish("/blocked", &key, "").await;
        let endpoints = json!({ "endpoints": [{ "url": s.app.receiver.url("/team"), "name": "one" }] });
        s.send_json(Method::POST, "/v2/topics/team/endpoints", endpoints).await;
        let published = s.send(Method::POST, "/v2/publish/team", &[], "").await.body;
        let of_group = serde_json::from_value(published[0]["messageId"].clone()).expect("an id");
        s.app.wait_for(of_group, StepKind::Delivered).await;
        let schedule = [("Upstash-Cron", "1 1 1 1 *"), ("Upstash-Schedule-Id", "yearly")];
        let path = format!("/v2/schedules/{}", s.app.receiver.url("/scheduled"));
        s.send(Method::POST, &path, &schedule, "").await;
        let run = s.post("/v2/schedules/yearly/run").await;
        let of_schedule = serde_json::from_value(run["messageIds"][0].clone()).expect("an id");
        s.app.wait_for(of_schedule, StepKind::Delivered).await;
        s.app.receiver.otherwise(Answer::status(200).held());
        let in_flight = s.publish("/in-flight", &[], "").await;
        s.app.wait_for(in_flight, StepKind::Pushed).await;
        Self { session: s, delivered, cancelled, failed }
    }

    /// Returns the time of a message's event, with a name.
    async fn time_of(&mut self, id: MessageId, state: &str, name: &str) -> String {
        let ms = self.session.app.event(id, state).await["time"].as_i64().expect("a time");
        self.session.name(ms, name)
    }
}

#[tokio::test]
async fn log_is_searched() {
    let mut world = World::start("searched_log").await;
    let from = world.time_of(world.failed, "CREATED", "creation of /failed").await;
    let to = world.time_of(world.failed, "FAILED", "failure of /failed").await;
    let World { session: mut s, delivered, cancelled, failed } = world;
    let retrying = s.app.receiver.url("/retrying%3Fa%3D1");
    let (hook, blocked) = (s.app.receiver.url("/hook"), s.app.receiver.url("/blocked"));
    let host = s.app.receiver.url("").replace("http://", "");
    s.get("/v2/events").await;
    s.get("/v2/logs").await;
    for state in
        ["CREATED", "ACTIVE", "RETRY", "ERROR", "DELIVERED", "FAILED", "CANCEL_REQUESTED", "CANCELED", "CANCELLED"]
    {
        s.get(&format!("/v2/events?state={state}")).await;
    }
    let queries = [
        "state=IN_PROGRESS".to_owned(),
        "state=in_progress&order=earliestFirst".to_owned(),
        "state=FAILED,RETRY&state=CREATED&label=blue".to_owned(),
        format!("messageId={delivered}"),
        format!("messageIds={delivered},{cancelled}&order=earliestFirst"),
        format!("messageId={delivered}&messageIds={failed}"),
        "messageId=msg_1111111111111111".to_owned(),
        "messageId=no-id".to_owned(),
        format!("url={retrying}"),
        format!("url={hook},{blocked}"),
        "topicName=team".to_owned(),
        "urlGroup=team&state=CREATED".to_owned(),
        "queueName=mail".to_owned(),
        "scheduleId=yearly,none".to_owned(),
        "label=green&label=none".to_owned(),
        "flowControlKey=key".to_owned(),
        "callerIp=127.0.0.1&state=RETRY".to_owned(),
        "callerIP=127.0.0.2".to_owned(),
        format!("host={host}&state=FAILED"),
        "host=127.0.0.1&path=/hook,/failed&order=earliestFirst".to_owned(),
        "path=/none".to_owned(),
        format!("fromDate={from}&toDate={to}"),
        format!("fromDate={from}&order=earliestFirst&count=1"),
        format!("toDate={to}&count=2"),
        format!("toDate={from}&state=CANCELED"),
        format!("fromDate={to}&label=red"),
        "toDate=1".to_owned(),
        "bodies=false&label=red".to_owned(),
        "state=&label=&cursor=&labeel=ignored&queueName=mail".to_owned(),
    ];
    for query in queries {
        s.get(&format!("/v2/events?{query}")).await;
    }
    s.finish();
}

#[tokio::test]
async fn log_is_read_in_pages() {
    let mut world = World::start("log_in_pages").await;
    let begin = world.time_of(world.failed, "CREATED", "creation of /failed").await;
    let end = world.time_of(world.failed, "FAILED", "failure of /failed").await;
    let mut s = world.session;
    s.get("/v2/events?order=earliestFirst").await;
    for (order, other) in [("latestFirst", "earliestFirst"), ("earliestFirst", "latestFirst")] {
        let mut cursor = String::new();
        for page in 0.. {
            let body = s.get(&format!("/v2/events?order={order}&count=4&cursor={cursor}")).await;
            let Some(next) = body["cursor"].as_str() else { break };
            next.clone_into(&mut cursor);
            if page == 2 {
                s.get(&format!("/v2/events?order={other}&count=3&cursor={cursor}")).await;
                s.get(&format!("/v2/events?order={order}&count=3&cursor={cursor}&state=CREATED")).await;
            }
        }
        let filtered = s.get(&format!("/v2/events?order={order}&count=1&queueName=mail")).await;
        let cursor = filtered["cursor"].as_str().expect("a cursor");
        s.get(&format!("/v2/logs?order={order}&count=1&queueName=mail&cursor={cursor}")).await;
    }
    // A time alone is a cursor as well, and so is the position of a deleted event.
    let gone = s.name(format!("{end}-999999999"), "cursor of an unknown event");
    for query in [
        format!("cursor={end}"),
        format!("cursor={begin}&order=earliestFirst"),
        format!("cursor={end}&count=2&state=ERROR,FAILED"),
        format!("cursor={gone}"),
        format!("cursor={gone}&order=earliestFirst"),
        "cursor=1".to_owned(),
        "cursor=1&order=earliestFirst&count=1".to_owned(),
    ] {
        s.get(&format!("/v2/events?{query}")).await;
    }
    s.finish();
}

#[tokio::test]
async fn invalid_searches_are_rejected() {
    let mut s = Session::start_with("rejected_searches", |config| config.dispatcher = None).await;
    for query in [
        "state=delivered",
        "state=DONE",
        "fromDate=yesterday",
        "toDate=1.5",
        "toDate=-1",
        "fromDate=9223372036854775807",
        "order=newest",
        "count=0",
        "count=1001",
        "count=many",
        "cursor=x",
        "cursor=1-x",
        "cursor=9223372036854775807-1",
        "bodies=few",
        "topicName=a&urlGroup=b",
        "label=%00",
    ] {
        s.get(&format!("/v2/events?{query}")).await;
    }
    s.finish();
}
