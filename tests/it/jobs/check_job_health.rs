//! The check-job-health function records the result of job-health and sends alerts.

mod alerts;

use axum::Router;
use check_job_health::Config;
use dispatch::dispatcher::StepKind;
use serde_json::{Value, json};
use sigpost_health::Rules;
use sigpost_jobs::Harness;
use sigpost_jobs::payloads::CheckJobHealth;

use super::deployment::{Deployment, answer, listen, serve};

/// Starts the function without notification channels.
fn checks(harness: Harness) -> Router {
    check_job_health::router(Config::default(), harness).expect("a client")
}

#[tokio::test]
async fn check_records_the_response_of_job_health() {
    let deployment = Deployment::start(checks).await;
    let database = &deployment.app.database;
    database
        .execute(
            "insert into job_executions (id, message_id, job_type, attempt, status, started_at, completed_at, created_at)
             select gen_random_uuid(), 'msg_' || n, 'play', 1, (case when n = 1 then 'failed' else 'completed' end)::job_execution_status,
                    now() - interval '2 hours', now() - interval '2 hours', now() - interval '2 hours'
             from generate_series(1, 10) n;
             update rollup_progress set until = date_trunc('minute', now() - interval '3 hours')",
        )
        .await;
    let check = async |job: Value| {
        let id = deployment.publish::<CheckJobHealth>(&[], &job).await;
        deployment.app.wait_for(id, StepKind::Delivered).await;
        let run = deployment.runs(id).await.remove(0);
        assert_eq!(run["status"], "completed", "a bad verdict is a check that was done");
        run["result"].clone()
    };
    let hour = check(json!({})).await;
    assert_eq!(
        (&hour["health"], &hour["windowSeconds"], &hour["totalJobs"]),
        (&json!("healthy"), &json!(3600), &json!(1))
    );

    let (listener, url) = listen().await;
    serve(listener, admin::router(deployment.app.app.database(), crate::admin::with_token(), Rules::default()));
    let day = check(json!({ "windowSeconds": 86400 })).await;
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let asked = client.get(format!("{url}/api/admin/job-health?window=1d")).bearer_auth(crate::admin::TOKEN);
    let answered = answer(asked).await.body;
    let reason = |report: &Value| report["reasons"][0]["message"].as_str().expect("a text").to_owned();
    assert_eq!(
        (&day["health"], reason(&day)),
        (&json!("degraded"), "1 of 11 runs in the last day failed (9.1 %), most of type play".to_owned())
    );
    // The check itself was active when it counted, and has completed since: one more run that ended.
    assert_eq!(
        (&answered["health"], reason(&answered)),
        (&json!("degraded"), "1 of 12 runs in the last day failed (8.3 %), most of type play".to_owned())
    );
    let names = |report: &Value| report.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    let of_the_run = ["told", "notTold"].map(str::to_owned);
    assert_eq!(names(&day).into_iter().filter(|name| !of_the_run.contains(name)).collect::<Vec<_>>(), names(&answered));
    assert_eq!((&day["byType"][1], &day["deadLetters"]), (&answered["byType"][1], &answered["deadLetters"]));
    assert_eq!(day["byType"][0]["type"], "check-job-health");
}

#[tokio::test]
async fn window_out_of_bounds_is_rejected() {
    let deployment = Deployment::start(checks).await;
    for (job, error) in [
        (json!({ "windowSeconds": 59 }), "windowSeconds: must be 60 to 604800"),
        (json!({ "window": "1h" }), "window: unknown field `window`, expected `windowSeconds`"),
    ] {
        let id = deployment.publish::<CheckJobHealth>(&[], &job).await;
        deployment.app.wait_for(id, StepKind::Failed).await;
        let letter = deployment.app.get(&format!("/v2/dlq?messageId={id}")).await.body["messages"][0].clone();
        let said: Value = serde_json::from_str(letter["responseBody"].as_str().expect("a text")).expect("JSON");
        assert_eq!(said["error"], error);
    }
    assert_eq!(deployment.run_count().await, 0);
}
