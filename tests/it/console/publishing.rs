//! Messages published from the console: by hand and by schedules.

use dispatch::dispatcher::StepKind;
use reqwest::StatusCode;
use serde_json::json;
use sigpost_qstash::MessageId;

use super::Console;

/// Returns the message that a response redirects to.
fn message(to: &str) -> MessageId {
    let (id, _) = to.trim_start_matches("/console/messages/").split_once('?').unwrap_or_else(|| panic!("{to}"));
    id.parse().expect("an id")
}

#[tokio::test]
async fn job_is_published_with_the_values_of_the_form() {
    let console = Console::signed_in().await;
    let form = console.get("/console/publish").await.text;
    let handler = console.app.receiver.url("/play");
    assert!(form.contains(&format!("<option value=\"{handler}\">play</option>")), "{form}");

    let fields = [
        ("destination", &*handler),
        ("body", "{\"a\": 1}\n"),
        ("retries", "2"),
        ("delay", ""),
        ("label", "mine"),
        ("type", "text/plain"),
    ];
    let done = console.post("/console/publish", &fields).await;
    let id = message(&done.to);
    let request = console.app.receiver.next().await;
    assert_eq!((request.uri.path(), &request.body[..]), ("/play", &b"{\"a\": 1}\n"[..]));
    assert_eq!(request.header("content-type"), "text/plain");
    let message = console.app.message(id).await;
    assert_eq!([&message["maxRetries"], &message["label"]], [&json!(2), &json!("mine")]);
    console.app.wait_for(id, StepKind::Delivered).await;

    for (fields, reason) in [
        ([("destination", ""), ("label", "")], "destination: is missing"),
        ([("destination", "no-such-group"), ("label", "")], "topic no-such-group not found"),
        ([("destination", &*handler), ("label", "a\nb")], "label: must be a single line"),
    ] {
        let rejected = console.post("/console/publish", &fields).await;
        assert!(rejected.status.is_client_error() && rejected.text.contains(reason), "{}", rejected.text);
    }
}

#[tokio::test]
async fn publish_to_a_group_shows_the_message_count() {
    let console = Console::signed_in().await;
    for path in ["/one", "/two"] {
        let url = console.app.receiver.url(path);
        console.post("/console/url-groups/add", &[("group", "all"), ("url", &url)]).await;
    }
    let done = console.post("/console/publish", &[("destination", "all"), ("body", "x")]).await;
    assert_eq!(done.to, "/console/messages?notice=published-many&n=2");
    assert!(console.get(&done.to).await.text.contains("Messages published: 2."));
}

#[tokio::test]
async fn schedule_is_created_run_paused_and_deleted() {
    let console = Console::signed_in().await;
    let destination = console.app.receiver.url("/nightly");
    let fields = [
        ("cron", "CRON_TZ=Europe/Berlin 0 3 1 1 *"),
        ("destination", &*destination),
        ("schedule", "nightly"),
        ("body", "{}"),
    ];
    let done = console.post("/console/schedules/create", &fields).await;
    assert_eq!(done.to, "/console/schedules?notice=schedule-created", "{}", done.text);
    let page = console.get("/console/schedules").await.text;
    // 1 January of three years, in the time zone of the schedule.
    assert_eq!(page.matches("-01-01T02:00:00Z").count(), 3, "{page}");

    let name = [("schedule", "nightly")];
    let run = console.post("/console/schedules/run", &name).await;
    let id = message(&run.to);
    assert_eq!(console.app.receiver.next().await.uri.path(), "/nightly");
    assert_eq!(console.app.message(id).await["scheduleId"], "nightly");

    let paused = async || console.app.read_schedule("nightly").await["isPaused"].clone();
    console.post("/console/schedules/pause", &name).await;
    assert_eq!(paused().await, true);
    console.post("/console/schedules/resume", &name).await;
    assert_eq!(paused().await, false);
    assert!(console.post("/console/schedules/delete", &name).await.text.contains("Delete this schedule?"));
    assert_eq!(paused().await, false);
    console.post_confirmed("/console/schedules/delete", &name).await;
    assert_eq!(console.app.get("/v2/schedules/nightly").await.status, StatusCode::NOT_FOUND);

    let wrong = [("cron", "every night"), ("destination", &*destination)];
    let rejected = console.post("/console/schedules/create", &wrong).await;
    assert!(rejected.status == StatusCode::BAD_REQUEST && rejected.text.contains("Upstash-Cron"), "{}", rejected.text);
}

#[tokio::test]
async fn overview_shows_runs_failures_and_backlog() {
    let console = Console::signed_in().await;
    let idle = console.get("/console").await.text;
    for shown in ["healthy", "No runs in this time window.", "No dead letters.", "No queues."] {
        assert!(idle.contains(shown), "{shown} in {idle}");
    }
    for (status, count) in [("completed", 3), ("failed", 1)] {
        let sql = format!(
            "insert into job_executions (id, message_id, job_type, attempt, status, started_at, completed_at, created_at)
             select gen_random_uuid(), 'msg_' || n, 'charge-card', 1, '{status}', now() - interval '100 ms', now(), now()
             from generate_series(1, {count}) n"
        );
        console.app.database.execute(&sql).await;
    }
    let sample = "insert into queue_samples select now() - interval '10 minutes', 1234, 0, 0, 0, null, 0";
    console.app.database.execute(sample).await;
    console.post("/console/queues/set", &[("queue", "mail"), ("parallelism", "1")]).await;
    console.app.receiver.otherwise(crate::support::Answer::status(500));
    let id = console.app.publish_here(&[("Upstash-Retries", "0")], "").await.id();
    console.app.wait_for(id, StepKind::Failed).await;

    let page = console.get("/console?window=3h").await.text;
    for shown in [
        "degraded",
        "1 of 4 runs in the last 3 hours failed (25.0 %), most of type charge-card.",
        "maximum 1234; blocked: latest 0",
        "charge-card",
        "25.0 %",
        "the destination returned status 500",
        ">mail<",
        "aria-label=\"Runs: completed: latest 3",
    ] {
        assert!(page.contains(shown), "{shown} in {page}");
    }
    // The verdict is that of job-health.
    let alert = "insert into alerts (rule, subject, severity, value, message, announced)
                 values ('dead-letters-growing', '', 'critical', 2000, '2000 dead letters', true)";
    console.app.database.execute(alert).await;
    let page = console.get("/console").await.text;
    assert!(page.contains("unhealthy") && page.contains("2000 dead letters."), "{page}");
    let rejected = console.get("/console?window=soon").await;
    assert!(rejected.status == StatusCode::BAD_REQUEST && rejected.text.contains("window: "), "{}", rejected.text);
}
