use super::Deployment;

/// Inserts pending messages with this due age.
fn messages(count: u32, due_s: u32) -> String {
    format!(
        "insert into seeds.messages (id, state, due_at, url, method, header, body, retries, labels, not_before)
         select gen_random_uuid(), 'pending', now() - interval '{due_s} s', 'https://a.example', 'POST', '{{}}', '', 3,
                '{{}}', now() from generate_series(1, {count})"
    )
}

/// Inserts runs of a type that ended now and took this long.
fn runs(job_type: &str, count: u32, status: &str, lasting_s: u32) -> String {
    format!(
        "insert into job_executions (id, message_id, job_type, attempt, status, started_at, completed_at)
         select gen_random_uuid(), 'msg_' || gen_random_uuid(), '{job_type}', 1, '{status}',
                now() - interval '{lasting_s} s', now() from generate_series(1, {count})"
    )
}

#[tokio::test]
async fn what_is_due_and_not_delivered_is_a_fault() {
    let deployment = Deployment::new("doctor_overdue").await;
    deployment.says("overdue", "passed", &["no message is due"]);
    deployment.execute(&messages(2, 120)).await;
    deployment.says("overdue", "warned", &["2 due"]);
    deployment.execute(&messages(1, 600)).await;
    deployment.says("overdue", "failed", &["3 due, the oldest for 10 min"]);
}

#[tokio::test]
async fn a_backlog_is_noticed() {
    let deployment = Deployment::new("doctor_depth").await;
    deployment.execute(&messages(99, 1)).await;
    deployment.says("queue-depth", "passed", &["99 due"]);
    deployment.execute(&messages(1, 1)).await;
    deployment.says("queue-depth", "warned", &["100 due"]);
    let rules = [("ALERT_RULES", "queue-depth=50:100")];
    deployment.says_with(&rules, &[], "queue-depth", "failed", &["100 due"]);
}

#[tokio::test]
async fn messages_behind_a_paused_queue_are_noticed() {
    let deployment = Deployment::new("doctor_waiting").await;
    deployment
        .execute(
            "insert into gates (id, kind, name, parallelism, paused) values ('queue:mail', 'queue', 'mail', 1, true)",
        )
        .await;
    deployment.says("waiting", "passed", &["0 blocked"]);
    deployment
        .execute(
            "insert into seeds.messages (id, state, url, method, header, body, retries, labels, not_before, gates, blocked_by)
             values (gen_random_uuid(), 'pending', 'https://a.example', 'POST', '{}', '', 3, '{}', now(),
                     '{queue:mail}', 'queue:mail')",
        )
        .await;
    deployment.says("waiting", "warned", &["queue:mail", "resume"]);
}

#[tokio::test]
async fn a_run_that_is_stuck_is_named() {
    let deployment = Deployment::new("doctor_stuck").await;
    deployment.says("stuck-runs", "passed", &[]);
    deployment
        .execute(
            "insert into job_executions (id, message_id, job_type, attempt, lease_until, started_at)
             values (gen_random_uuid(), 'msg_stuck', 'greet', 1, now() - interval '1 s', now() - interval '1 min')",
        )
        .await;
    deployment.says("stuck-runs", "warned", &["1 run,", "msg_stuck"]);
}

#[tokio::test]
async fn many_failing_runs_are_a_fault_and_few_a_warning() {
    let deployment = Deployment::new("doctor_failures").await;
    deployment.execute(&runs("greet", 18, "completed", 1)).await;
    deployment.says("failure-rate", "passed", &["0 of 18"]);
    deployment.execute(&runs("bill", 1, "failed", 1)).await;
    deployment.says("failure-rate", "warned", &["1 of 19", "bill (1)"]);
    deployment.execute(&runs("bill", 1, "failed", 1)).await;
    deployment.says("failure-rate", "failed", &["2 of 20"]);
}

#[tokio::test]
async fn runs_that_come_close_to_their_timeout_are_noticed() {
    let deployment = Deployment::new("doctor_durations").await;
    deployment.execute(&runs("send-email", 2, "completed", 1)).await;
    deployment.says("job-durations", "passed", &["2 runs"]);
    deployment.execute(&runs("send-email", 2, "completed", 29)).await;
    deployment.says("job-durations", "warned", &["send-email 29 s of 30 s"]);
}
