//! Alerts to Slack, PagerDuty and by e-mail: once per problem, and once on recovery.

use std::collections::BTreeMap;
use std::time::Duration;

use check_job_health::Config;
use jiff::Timestamp;
use serde_json::{Value, json};
use sigpost_health::{Rules, checks};
use sigpost_jobs::payloads::CheckJobHealth;
use sigpost_qstash::MessageId;

use crate::jobs::deployment::{Deployment, answer};
use crate::support::{Answer, Receiver, TestApp};

/// A deployment in which nothing is delivered or fired except the checks, which the test delivers. The test's rows
/// therefore do not change.
struct Watched {
    deployment: Deployment,
    slack: Receiver,
    pagerduty: Receiver,
}

impl Watched {
    async fn start(rules: &str) -> Self {
        Self::start_with(rules, |_| {}).await
    }

    async fn start_with(rules: &str, change: impl FnOnce(&mut Config)) -> Self {
        let (slack, pagerduty) = (Receiver::start().await, Receiver::start().await);
        let mut config = Config {
            deployment: "staging".into(),
            rules: Rules::parse(rules).expect("rules"),
            slack: Some(slack.url("/services/T0/B0/s3cret").parse().expect("a URL")),
            pagerduty: Some((pagerduty.url("/v2/enqueue").parse().expect("a URL"), "r0ut1ng".into())),
            runbook_url: "https://wiki.example/operations#".into(),
            ..Config::default()
        };
        change(&mut config);
        let handlers = |harness| check_job_health::router(config, harness).expect("a client");
        let app = TestApp::start_with(|config| config.dispatcher = None).await;
        Self { deployment: Deployment::of(app, handlers).await, slack, pagerduty }
    }

    /// Runs a check. Returns its message and its result.
    async fn check(&self) -> (MessageId, Value) {
        let (id, url) = (MessageId::new(), self.deployment.endpoint::<CheckJobHealth>());
        let signature = self.deployment.app.app.keys().keys().signer.sign(&url, b"{}", Timestamp::now());
        let request = reqwest::Client::new().post(url).body("{}").header("Content-Type", "application/json");
        let request = request.header("Upstash-Message-Id", id.to_string()).header("Upstash-Signature", signature);
        let answered = answer(request).await;
        assert_eq!(answered.status, 200, "{answered:?}");
        let run = self.deployment.runs(id).await.pop().expect("a run");
        assert_eq!(run["status"], "completed", "{run}");
        (id, run["result"].clone())
    }

    /// Returns the rules that report a problem, with the subject.
    async fn wrong(&self) -> Vec<(String, String)> {
        let (_, result) = self.check().await;
        let alerts = result["alerts"].as_array().expect("a list").iter();
        let text = |alert: &Value, name: &str| alert[name].as_str().unwrap_or_default().to_owned();
        alerts.map(|alert| (text(alert, "rule"), text(alert, "subject"))).collect()
    }

    async fn execute(&self, sql: &str) {
        self.deployment.app.database.execute(sql).await;
    }

    async fn insert_missed_firing(&self, id: &str, ago: &str) {
        self.execute(&format!(
            "insert into schedules (id, version, cron, destination, parameters, body, catch_up, next_fire_at, paused)
             values ('{id}', 1, '0 0 1 1 *', 'https://a.example', '{{}}', '', 'none', now() - interval '{ago}', false)"
        ))
        .await;
    }
}

/// SQL that triggers each rule, with the expected subject. The tables belong to the test.
const WRONG: [(&str, &str, &str); 25] = [
    ("failure-rate", "", "insert into job_executions (id, message_id, job_type, attempt, status, started_at, completed_at)
        select gen_random_uuid(), 'msg_' || n, 'play', 1, (case when n < 3 then 'failed' else 'completed' end)::job_execution_status, now(), now()
        from generate_series(1, 20) n"),
    ("failed-attempts", "", "insert into attempts (message_id, number, retried, outcome)
        select gen_random_uuid(), 1, 0, (case when n < 3 then 'retried' else 'delivered' end)::attempt_outcome from generate_series(1, 20) n"),
    ("stuck-runs", "", "insert into job_executions (id, message_id, job_type, attempt, lease_until, started_at)
        values (gen_random_uuid(), 'msg_stuck', 'play', 1, now() + interval '20 seconds', now() - interval '11 minutes')"),
    ("leases-lost", "", "insert into job_executions (id, message_id, job_type, attempt, status, error, completed_at)
        values (gen_random_uuid(), 'msg_lost', 'play', 1, 'failed', 'the run''s lease expired; its process is believed dead', now())"),
    ("no-dispatcher", "", "insert into seeds.messages (id, state, due_at, url, method, header, body, retries, labels, not_before)
        values (gen_random_uuid(), 'pending', now() - interval '2 minutes', 'http://127.0.0.1:1/', 'POST', '{}', '', 3, '{}', now())"),
    ("hanging-destination", "hangs.example", "insert into seeds.messages (id, state, due_at, lease_token, url, method, header, body, retries, labels, not_before)
        select gen_random_uuid(), 'active', now() + interval '20 seconds', gen_random_uuid(), 'https://hangs.example/a', 'POST', '{}', '', 3, '{}', now()
        from generate_series(1, 10);
        update pending_deliveries set due_at = now() - interval '3 minutes', leased_at = now() - interval '2 minutes';
        insert into seeds.messages (id, state, due_at, url, method, header, body, retries, labels, not_before)
        values (gen_random_uuid(), 'pending', now() - interval '1 minute', 'http://127.0.0.1:1/', 'POST', '{}', '', 3, '{}', now())"),
    ("no-completions", "nightly", "insert into job_executions (id, message_id, job_type, attempt, status, started_at, completed_at)
        select gen_random_uuid(), 'msg_old', 'nightly', 1, 'completed', at, at from (select now() - interval '2 hours' as at) a;
        update rollup_progress set until = date_trunc('minute', now() - interval '3 hours')"),
    ("schedule-missed", "yearly", "insert into schedules (id, version, cron, destination, parameters, body, catch_up, next_fire_at)
        values ('yearly', 1, '0 0 1 1 *', 'https://a.example', '{}', '', 'none', now() - interval '3 minutes')"),
    ("queue-depth", "", "insert into seeds.messages (id, state, due_at, url, method, header, body, retries, labels, not_before)
        select gen_random_uuid(), 'pending', now(), 'http://127.0.0.1:1/', 'POST', '{}', '', 3, '{}', now() from generate_series(1, 100)"),
    ("queue-age", "", "insert into seeds.messages (id, state, due_at, url, method, header, body, retries, labels, not_before)
        values (gen_random_uuid(), 'pending', now() - interval '6 minutes', 'http://127.0.0.1:1/', 'POST', '{}', '', 3, '{}', now())"),
    ("backlog-growing", "", "insert into queue_samples
        select date_trunc('minute', now()) - make_interval(mins => n), case when n < 65 then 300 - n else 20 end, 9000, 0, 30, null, 0
        from generate_series(0, 1400) n"),
    ("blocked-age", "queue:q", "insert into gates (id, kind, name, parallelism, paused) values ('queue:q', 'queue', 'q', 1, true);
        insert into seeds.messages (id, state, url, method, header, body, retries, labels, not_before, created_at, gates, blocked_by, queue_name)
        values (gen_random_uuid(), 'pending', 'http://127.0.0.1:1/', 'POST', '{}', '', 3, '{}', now() - interval '16 minutes',
                now() - interval '16 minutes', '{queue:q}', 'queue:q', 'q')"),
    ("active-runs", "", "insert into job_executions (id, message_id, job_type, attempt, lease_until)
        select gen_random_uuid(), 'msg_active' || n, 'play', 1, now() + interval '1 minute' from generate_series(1, 50) n"),
    ("slow-runs", "slow", "insert into job_executions (id, message_id, job_type, attempt, status, started_at, completed_at)
        values (gen_random_uuid(), 'msg_slow', 'slow', 1, 'completed', now() - interval '31 seconds', now())"),
    ("dead-letters", "", "insert into seeds.messages (id, state, url, method, header, body, retries, labels, not_before, finished_at)
        select gen_random_uuid(), 'failed', '', 'POST', '{}', '', 0, '{}', now(), now() from generate_series(1, 10);
        insert into dead_letters (message_id) select id from message_states where state = 'failed'"),
    ("dead-letters-growing", "", "insert into seeds.messages (id, state, url, method, header, body, retries, labels, not_before, finished_at)
        select gen_random_uuid(), 'failed', '', 'POST', '{}', '', 0, '{}', now(), now() from generate_series(1, 103);
        insert into dead_letters (message_id, failed_at) select id, now() - interval '3 hours' from message_states where state = 'failed';
        insert into queue_samples values (date_trunc('minute', now() - interval '25 hours'), 0, 0, 0, 0, null, 3)"),
    ("dead-letters-disagree", "", "insert into seeds.messages (id, state, url, method, header, body, retries, labels, not_before, finished_at)
        values (gen_random_uuid(), 'delivered', '', 'POST', '{}', '', 0, '{}', now(), now());
        insert into dead_letters (message_id) select id from messages"),
    ("signature-rejections", "", "insert into attempts (message_id, number, retried, outcome, response_status)
        select gen_random_uuid(), 1, 0, 'retried', 401 from generate_series(1, 100)"),
    ("keys-old", "", "update signing_keys set rotated_at = now() - interval '366 days'"),
    ("memory", "web-1/7", "insert into processes (id, name, seen_at, memory_bytes, memory_limit_bytes)
        values (gen_random_uuid(), 'web-1/7', now(), 210, 256), (gen_random_uuid(), 'web-1/7', now() - interval '1 minute', 256, 256),
               (gen_random_uuid(), 'gone/7', now() - interval '21 minutes', 256, 256), (gen_random_uuid(), 'mac/7', now(), null, null)"),
    ("listen-down", "web-1/7", "insert into processes (id, name, seen_at, deaf_since)
        values (gen_random_uuid(), 'web-1/7', now(), now() - interval '61 seconds')"),
    ("partitions-missing", "", "do $$ begin execute 'drop table attempts_' || to_char((now() at time zone 'utc')::date + 1, 'YYYYMMDD'); end $$"),
    ("email-bounces", "", "insert into email_logs (id, email_id, recipient, status, provider)
        select gen_random_uuid(), 'b' || n, 'ada@example.com', (case when n = 1 then 'bounced' else 'delivered' end)::email_status, 'resend'
        from generate_series(1, 20) n"),
    ("email-complaints", "", "insert into email_logs (id, email_id, recipient, status, provider)
        select gen_random_uuid(), 'c' || n, 'ada@example.com', (case when n = 1 then 'complained' else 'delivered' end)::email_status, 'resend'
        from generate_series(1, 20) n"),
    ("schema-behind", "", "delete from __diesel_schema_migrations where version = (select max(version) from __diesel_schema_migrations)"),
];

#[tokio::test]
async fn each_rule_detects_its_problem() {
    let mut all = Vec::new();
    for (rule, subject, sql) in WRONG {
        let watched = Watched::start_with("", |config| {
            (config.slack, config.pagerduty) = (None, None);
            config.expected = BTreeMap::from([("nightly".to_owned(), Duration::from_secs(3600))]);
        })
        .await;
        assert_eq!(watched.wrong().await, [], "before {rule}");
        watched.execute(sql).await;
        let found = watched.wrong().await;
        assert!(found.contains(&(rule.to_owned(), subject.to_owned())), "{rule}: {found:?}");
        all.push(rule);
    }
    // The other rules check the database itself; the next test covers them.
    all.extend(["database-slow", "query-long", "clock-skew", "connections"]);
    all.sort_unstable();
    let mut names = checks::ALL.map(|check| check.id);
    names.sort_unstable();
    assert_eq!(all, names);
}

#[tokio::test]
async fn rules_check_the_state_of_the_database() {
    let watched = Watched::start("connections=0.001,query-long=0.001,database-slow=0.000001").await;
    let busy = tokio_postgres::connect(&watched.deployment.app.database.url, tokio_postgres::NoTls).await;
    let (client, connection) = busy.expect("a connection");
    tokio::spawn(connection);
    client.batch_execute("begin; select 1").await.expect("a transaction");
    let mut wrong: Vec<_> = watched.wrong().await.into_iter().map(|(rule, _)| rule).collect();
    wrong.sort_unstable();
    assert_eq!(wrong, ["connections", "database-slow", "query-long"]);
}

#[tokio::test]
async fn alert_is_sent_once_and_again_on_recovery() {
    let watched = Watched::start("").await;
    watched.insert_missed_firing("<!channel>", "5 minutes").await;
    watched.check().await;

    let slack = watched.slack.next().await;
    assert_eq!((slack.method.as_str(), slack.uri.path()), ("POST", "/services/T0/B0/s3cret"));
    let told = slack.json();
    let text = told["text"].as_str().expect("a text");
    assert!(
        text.starts_with("[staging] warning: schedule-missed (&lt;!channel&gt;): its firing is late by 30"),
        "{text}"
    );
    let field = |title: &str| {
        let fields = told["attachments"][0]["fields"].as_array().expect("a list");
        fields.iter().find(|field| field["title"] == title).expect("a field")["value"].clone()
    };
    assert_eq!(told["attachments"][0]["color"], "warning");
    assert_eq!((field("Type"), field("Severity")), (json!("schedule-missed"), json!("warning")));
    assert_eq!(field("Threshold"), "120");
    assert_eq!(field("Runbook"), "https://wiki.example/operations#schedule-missed");
    assert!(field("Value").as_str().and_then(|value| value.parse::<f64>().ok()).is_some_and(|value| value > 300.0));

    let page = watched.pagerduty.next().await.json();
    let key = json!("staging/schedule-missed/<!channel>");
    assert_eq!(
        (&page["routing_key"], &page["event_action"], &page["dedup_key"]),
        (&json!("r0ut1ng"), &json!("trigger"), &key)
    );
    assert_eq!((&page["payload"]["severity"], &page["payload"]["source"]), (&json!("warning"), &json!("staging")));
    assert_eq!(page["payload"]["custom_details"]["runbook"], "https://wiki.example/operations#schedule-missed");
    assert_eq!(watched.deployment.app.database.count("select count(*) from alerts where announced").await, 1);

    // An unchanged problem is not repeated. It then becomes critical, and then it recovers.
    watched.check().await;
    watched.execute("update schedules set next_fire_at = now() - interval '11 minutes'").await;
    watched.check().await;
    assert!(watched.slack.next().await.json()["text"].as_str().expect("a text").contains("now critical"));
    assert_eq!(watched.pagerduty.next().await.json()["payload"]["severity"], "critical");
    watched.execute("delete from schedules").await;
    watched.check().await;
    let told = watched.slack.next().await.json();
    assert_eq!(told["attachments"][0]["color"], "good");
    assert!(told["text"].as_str().expect("a text").starts_with("[staging] recovered: schedule-missed"), "{told}");
    let resolved = watched.pagerduty.next().await.json();
    assert_eq!(resolved, json!({ "routing_key": "r0ut1ng", "event_action": "resolve", "dedup_key": key }));

    // It recurs immediately and is not reported again.
    watched.insert_missed_firing("<!channel>", "11 minutes").await;
    watched.check().await;
    assert!(watched.slack.all_so_far().await.is_empty());
    assert!(watched.pagerduty.all_so_far().await.is_empty());
}

#[tokio::test]
async fn failed_notification_is_repeated_and_stores_no_secret() {
    let watched = Watched::start("").await;
    watched.insert_missed_firing("yearly", "5 minutes").await;
    watched.slack.answers([Answer::status(403)]);
    watched.pagerduty.answers([Answer::status(500)]);
    let (id, result) = watched.check().await;
    assert_eq!(result["told"], 0);
    assert_eq!(
        result["notTold"],
        json!(["Slack: status 403 Forbidden", "PagerDuty: status 500 Internal Server Error"])
    );
    let runs = format!("{:?}", watched.deployment.runs(id).await);
    assert!(!runs.contains("s3cret") && !runs.contains("r0ut1ng"), "{runs}");

    let (_, result) = watched.check().await;
    assert_eq!((&result["told"], &result["notTold"]), (&json!(1), &json!([])));
    assert_eq!(watched.slack.all_so_far().await.len(), 2);
    assert_eq!(watched.pagerduty.all_so_far().await.len(), 2);
}

#[tokio::test]
async fn alert_email_is_sent_by_a_job() {
    let watched = Watched::start_with("", |config| {
        config.slack = None;
        config.email_to = vec!["ops@example.com".into()];
    })
    .await;
    watched.insert_missed_firing("yearly", "5 minutes").await;
    watched.check().await;
    let rows = watched
        .deployment
        .app
        .database
        .query("select convert_from(body, 'utf8') from messages where url like '%/email'", &[])
        .await;
    assert_eq!(rows.len(), 1);
    let job: Value = serde_json::from_str(rows[0].get(0)).expect("JSON");
    assert_eq!((&job["template"], &job["to"]), (&json!("alert"), &json!(["ops@example.com"])));
    assert_eq!(job["data"]["runbook"], "https://wiki.example/operations#schedule-missed");
}
