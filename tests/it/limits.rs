//! Limits hold for any number of dispatchers: four processes on one database, and a receiver that counts its
//! concurrent requests by kind.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use dispatch::dispatcher::StepKind;
use tokio::process::Child;
use tokio::sync::Notify;

use crate::crash::{SHORT_LEASE, start_dispatcher};
use crate::support::{Answer, PATIENCE, TestApp, serve};

/// Counts of the requests to one path.
#[derive(Clone, Debug, Default)]
struct Seen {
    with_it_now: usize,
    most_at_once: usize,
    answered: usize,
    /// The bodies in the order of their first arrival.
    order: Vec<String>,
}

impl Seen {
    fn arrives(&mut self) {
        self.with_it_now += 1;
        self.most_at_once = self.most_at_once.max(self.with_it_now);
    }
}

/// Responds after a short delay, in which other requests can arrive. Fails every seventh first attempt.
/// `/{kind}/{limit}` responds only after `limit` requests were in flight together, because a limit that is never
/// reached is as wrong as one that is exceeded.
#[derive(Clone, Default)]
struct Sink(Arc<(Mutex<BTreeMap<String, Seen>>, Notify)>);

impl Sink {
    fn seen(&self, kind: &str) -> Seen {
        self.0.0.lock().expect("lock").get(kind).cloned().unwrap_or_default()
    }

    fn change<T>(&self, kind: &str, change: impl FnOnce(&mut Seen) -> T) -> T {
        change(self.0.0.lock().expect("lock").entry(kind.to_owned()).or_default())
    }

    async fn receive(
        State(sink): State<Self>,
        Path((kind, limit)): Path<(String, usize)>,
        headers: HeaderMap,
        body: String,
    ) -> Answered {
        let arrived = sink.change(&kind, |seen| {
            seen.arrives();
            if !seen.order.contains(&body) {
                seen.order.push(body.clone());
            }
            seen.order.len()
        });
        // A request with several keys also counts under the name of each.
        let names = || kind.split('+').filter(|name| *name != kind);
        names().for_each(|name| sink.change(name, Seen::arrives));
        sink.0.1.notify_waiters();
        sink.until(&kind, |seen| seen.most_at_once >= limit).await;
        // Time in which another request could exceed the limit.
        tokio::time::sleep(Duration::from_millis(3)).await;
        let fails = arrived % 7 == 0 && headers["upstash-retried"] == "0";
        sink.change(&kind, |seen| {
            seen.with_it_now -= 1;
            seen.answered += usize::from(!fails);
        });
        names().for_each(|name| sink.change(name, |seen| seen.with_it_now -= 1));
        sink.0.1.notify_waiters();
        let status = if fails { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK };
        (status, [("retry-after", "0")])
    }

    async fn answered(&self, kind: &str, count: usize) {
        self.until(kind, |seen| seen.answered >= count).await;
    }

    /// Waits until the counts of this kind satisfy the condition.
    async fn until(&self, kind: &str, holds: impl Fn(&Seen) -> bool) {
        let wait = async {
            loop {
                let mut more = pin!(self.0.1.notified());
                // From here on no notification is missed.
                more.as_mut().enable();
                if holds(&self.seen(kind)) {
                    return;
                }
                more.await;
            }
        };
        let ended = tokio::time::timeout(PATIENCE, wait).await;
        assert!(ended.is_ok(), "{kind} came no further: {:?}", self.seen(kind));
    }
}

type Answered = (StatusCode, [(&'static str, &'static str); 1]);

async fn start_sink() -> (Sink, String) {
    let sink = Sink::default();
    let router = Router::new().route("/{kind}/{limit}", axum::routing::post(Sink::receive)).with_state(sink.clone());
    (sink, serve(router).await)
}

/// A second limit that never blocks: messages with two limits are not claimed in sets.
const SECOND_KEY: [(&str, &str); 2] =
    [("Upstash-Sigpost-Flow-Control-Key-2", "wide"), ("Upstash-Sigpost-Flow-Control-Value-2", "parallelism=1000")];

/// The leases exceed any pause of a busy machine, because after a lost lease two dispatchers deliver a message.
fn four_dispatchers(app: &TestApp) -> Vec<Child> {
    (0..4).map(|_| start_dispatcher(&app.database, 60)).collect()
}

#[tokio::test]
async fn four_dispatchers_exceed_no_limit() {
    let publisher = TestApp::start_with(|config| config.dispatcher = None).await;
    let (sink, url) = start_sink().await;
    let _dispatchers = four_dispatchers(&publisher);
    publisher
        .database
        .execute("insert into gates (id, kind, name, parallelism) values ('queue:three', 'queue', 'three', 3)")
        .await;

    let count = 60;
    for number in 0..count {
        let body = format!("{number:03}");
        for (kind, headers) in [
            ("queue-of-1/1", vec![("Upstash-Queue-Name", "one")]),
            ("queue-of-3/3", vec![("Upstash-Queue-Name", "three")]),
            ("two/1", vec![("Upstash-Flow-Control-Key", "two"), ("Upstash-Flow-Control-Value", "parallelism=2")]),
            (
                "two+one/1",
                vec![
                    ("Upstash-Flow-Control-Key", "two"),
                    ("Upstash-Flow-Control-Value", "parallelism=2"),
                    ("Upstash-Sigpost-Flow-Control-Key-2", "one"),
                    ("Upstash-Sigpost-Flow-Control-Value-2", "parallelism=1"),
                ],
            ),
        ] {
            publisher.publish(&format!("{url}/{kind}"), &headers, &body).await.id();
        }
        let mut queued = vec![("Upstash-Queue-Name", "mixed")];
        if number % 3 == 0 {
            queued.extend([("Upstash-Flow-Control-Key", "wide"), ("Upstash-Flow-Control-Value", "parallelism=1000")]);
        }
        publisher.publish(&format!("{url}/mixed/1"), &queued, &body).await.id();
    }
    for kind in ["queue-of-1", "queue-of-3", "two", "two+one", "mixed"] {
        sink.answered(kind, count).await;
    }

    let most = |kind: &str| sink.seen(kind).most_at_once;
    assert_eq!((most("queue-of-1"), most("queue-of-3"), most("one"), most("mixed")), (1, 3, 1, 1));
    assert!(most("two") <= 2, "{}", most("two"));
    let first_in_first_out: Vec<String> = (0..count).map(|number| format!("{number:03}")).collect();
    assert_eq!(sink.seen("queue-of-1").order, first_in_first_out);
    assert_eq!(sink.seen("mixed").order, first_in_first_out);
    wait_until_no_slot_is_held(&publisher).await;
}

#[tokio::test]
async fn four_dispatchers_do_not_exceed_the_rate() {
    let publisher = TestApp::start_with(|config| config.dispatcher = None).await;
    let (sink, url) = start_sink().await;
    let _dispatchers = four_dispatchers(&publisher);
    let limited = [
        ("Upstash-Flow-Control-Key", "slow"),
        ("Upstash-Flow-Control-Value", "rate=10, period=1h"),
        ("Upstash-Retries", "0"),
    ];
    for number in 0..24 {
        let mut headers = limited.to_vec();
        if number % 4 == 0 {
            headers.extend(SECOND_KEY);
        }
        publisher.publish(&format!("{url}/rate/1"), &headers, &number.to_string()).await.id();
    }
    // Each round moves the period back by an hour. A failed attempt (every seventh) counts as a start.
    for (hour, starts) in [(0, 10), (1, 20), (2, 24)] {
        if hour > 0 {
            publisher
                .database
                .execute("update gates set period_start = period_start - interval '1 hour'; notify sigpost")
                .await;
        }
        sink.answered("rate", starts - starts / 7).await;
        let started = publisher.database.count("select count(*) from events where state = 'ACTIVE'").await;
        assert_eq!(started, i64::try_from(starts).expect("small"), "in hour {hour}");
    }
}

#[tokio::test]
async fn claim_returns_mixed_messages_in_the_order_of_their_limit() {
    let app = TestApp::start_with(|config| config.dispatcher = None).await;
    let large = "x".repeat(2_000);
    for number in 0..60 {
        let priority = (number % 3).to_string();
        let mut headers = vec![
            ("Upstash-Flow-Control-Key", "k"),
            ("Upstash-Flow-Control-Value", "parallelism=50"),
            ("Upstash-Sigpost-Priority", &priority),
        ];
        if number % 5 == 0 {
            headers.extend(SECOND_KEY);
        }
        app.publish_here(&headers, if number % 7 == 0 { &large } else { "small" }).await.id();
    }
    // The query sees the tables as they were before the claim.
    let in_order = "
        select count(*)
        from rows from (claim_blocked(array['flow:k'], gen_random_uuid(), 600, 100, 1000, 1000000)) with ordinality claimed
        join (
            select id, row_number() over (order by priority desc, created_at, id) as ordinality from pending_deliveries
        ) blocked using (ordinality)
        where blocked.id = (claimed.content).id";
    assert_eq!(app.database.count(in_order).await, 50);
    assert_eq!(app.database.count(in_order).await, 0, "no slot is free");
    assert_eq!(app.database.count("select count(*) from held_slots where gate = 'flow:k'").await, 50);
}

#[tokio::test]
async fn next_queued_message_waits_for_previous_retries_and_callbacks() {
    let app = TestApp::start().await;
    let receiver = &app.receiver;
    let in_queue = |extra: &[(&'static str, &'static str)]| {
        [&[("Upstash-Queue-Name", "orders"), ("Upstash-Retries", "1")], extra].concat()
    };
    receiver.answers([Answer::status(500), Answer::status(500), Answer::status(200).held()]);
    let callback = receiver.url("/failed");
    let mut headers = in_queue(&[]);
    headers.push(("Upstash-Failure-Callback", &callback));
    let first = app.publish_here(&headers, "first").await.id();
    let second = app.publish_here(&in_queue(&[]), "second").await.id();

    app.wait_for(first, StepKind::Retried).await;
    assert_eq!(app.database.count("select count(*) from message_states where state = 'active'").await, 0);
    app.make_messages_due().await;
    app.wait_for(first, StepKind::Failed).await;
    let requests = receiver.next_many(3).await;
    assert_eq!(requests.iter().map(|request| request.uri.path()).collect::<Vec<_>>(), ["/hook", "/hook", "/failed"]);
    assert_eq!(app.states(second).await, "CREATED", "the first message's callback has no response yet");

    receiver.release(1);
    app.wait_for(second, StepKind::Delivered).await;
    assert_eq!(receiver.next().await.body, "second");
    wait_until_no_slot_is_held(&app).await;
}

#[tokio::test]
async fn takeover_reuses_the_slot_of_the_message() {
    let publisher = TestApp::start_with(|config| config.dispatcher = None).await;
    publisher.receiver.answers([Answer::status(200).held()]);
    let key = [("Upstash-Flow-Control-Key", "k"), ("Upstash-Flow-Control-Value", "parallelism=1")];
    let first = publisher.publish_here(&key, "first").await.id();
    let second = publisher.publish_here(&key, "second").await.id();
    let mut killed = start_dispatcher(&publisher.database, SHORT_LEASE);
    publisher.receiver.next().await;
    killed.kill().await.expect("killed");

    let successor = TestApp::start_on(&publisher.database, |_| {}).await;
    successor.wait_for(first, StepKind::Delivered).await;
    successor.wait_for(second, StepKind::Delivered).await;
    let bodies: Vec<_> = publisher.receiver.next_many(2).await.into_iter().map(|request| request.body).collect();
    assert_eq!(bodies, ["first", "second"]);
    wait_until_no_slot_is_held(&publisher).await;
}

#[tokio::test]
async fn takeover_of_a_killed_dispatcher_respects_limits() {
    let publisher = TestApp::start_with(|config| config.dispatcher = None).await;
    publisher.receiver.answers([Answer::status(200).held(), Answer::status(200).held()]);
    let slow =
        [("Upstash-Flow-Control-Key", "slow"), ("Upstash-Flow-Control-Value", "rate=1, period=1h, parallelism=1")];
    let started = publisher.publish_here(&slow, "started").await.id();
    let in_queue = publisher.publish_here(&[("Upstash-Queue-Name", "orders")], "queued").await.id();
    let mut killed = start_dispatcher(&publisher.database, 60);
    publisher.receiver.next_many(2).await;
    killed.kill().await.expect("killed");

    // The scan that finds the expired leases finds the last message as well.
    publisher.post("/v2/queues/orders/pause").await;
    let last = publisher.publish_here(&[], "last").await.id();
    publisher.database.execute("update pending_deliveries set lease_until = now() where lease_token is not null").await;
    let successor = TestApp::start_on(&publisher.database, |_| {}).await;
    successor.wait_for(last, StepKind::Delivered).await;
    for id in [started, in_queue] {
        assert_eq!(successor.states(id).await, "CREATED ACTIVE", "started beyond the limit");
    }

    publisher.post("/v2/queues/orders/resume").await;
    successor.wait_for(in_queue, StepKind::Delivered).await;
    let an_hour_passes = "update gates set period_start = period_start - interval '1 hour'; notify sigpost";
    publisher.database.execute(an_hour_passes).await;
    successor.wait_for(started, StepKind::Delivered).await;
    for id in [started, in_queue] {
        assert_eq!(successor.states(id).await, "CREATED ACTIVE ACTIVE DELIVERED");
    }
    assert_eq!(publisher.database.count("select period_count::bigint from gates where id = 'flow:slow'").await, 1);
    wait_until_no_slot_is_held(&publisher).await;
}

#[tokio::test]
async fn delayed_message_blocks_its_queue() {
    let app = TestApp::start().await;
    let in_queue = [("Upstash-Queue-Name", "orders")];
    let first = app.publish_here(&in_queue, "first").await.id();
    let delayed = app.publish_here(&[in_queue[0], ("Upstash-Delay", "1s")], "delayed").await.id();
    let last = app.publish_here(&in_queue, "last").await.id();
    for id in [first, delayed, last] {
        app.wait_for(id, StepKind::Delivered).await;
    }
    let bodies: Vec<_> = app.receiver.next_many(3).await.into_iter().map(|request| request.body).collect();
    assert_eq!(bodies, ["first", "delayed", "last"]);
}

/// Waits until all messages have ended, and asserts that no slot is held.
async fn wait_until_no_slot_is_held(app: &TestApp) {
    // The last outcome frees the last slot, after the receiver has counted its response.
    for _ in 0..200 {
        if app.database.count("select count(*) from message_states where finished_at is null").await == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(app.database.count("select count(*) from message_states where finished_at is null").await, 0);
    assert_eq!(app.database.count("select count(*) from slots").await, 0);
}
