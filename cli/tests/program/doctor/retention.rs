use super::Deployment;

#[tokio::test]
async fn retries_that_outlast_the_log_are_noticed() {
    let deployment = Deployment::new("doctor_horizon").await;
    deployment.says("retry-horizon", "passed", &["3 retries take 33 min; retention 90 days"]);
    deployment
        .execute(
            "insert into seeds.messages (id, state, due_at, url, method, header, body, retries, labels, not_before)
             values (gen_random_uuid(), 'pending', now() + interval '1 h', 'https://a.example', 'POST', '{}', '', 200,
                     '{}', now())",
        )
        .await;
    deployment.says("retry-horizon", "warned", &["200 retries take 196 days"]);
}

fn dead_letters(count: u32, age: &str) -> String {
    format!(
        "with failed as (
            insert into seeds.messages (id, state, url, method, header, body, retries, labels, not_before, finished_at)
            select gen_random_uuid(), 'failed', 'https://a.example', 'POST', '{{}}', '', 3, '{{}}', now(),
                   now() - interval '{age}' from generate_series(1, {count})
            returning id
         )
         insert into dead_letters (message_id, failed_at) select id, now() - interval '{age}' from failed"
    )
}

#[tokio::test]
async fn dead_letters_that_are_many_or_left_alone_are_noticed() {
    let deployment = Deployment::new("doctor_letters").await;
    deployment.says("dead-letters", "passed", &[]);
    deployment.execute(&dead_letters(1, "8 days")).await;
    deployment.says("dead-letters", "warned", &["the oldest is 8 days old"]);
    deployment.execute(&dead_letters(100, "1 minute")).await;
    deployment.says("dead-letters", "failed", &["101, 100 of them from the last hour"]);
}

#[tokio::test]
async fn what_is_older_than_it_should_be_is_a_fault() {
    let deployment = Deployment::new("doctor_retention").await;
    deployment.execute(&dead_letters(1, "91 days")).await;
    deployment.says("retention", "passed", &["91 days ago; retention 90 days"]);
    deployment.execute(&cleanup(30)).await;
    deployment.says("retention", "failed", &["retention 30 days", "grow without bound"]);
}

/// Inserts a completed run of cleanup-old-data.
fn cleanup(days: u32) -> String {
    format!(
        "insert into job_executions (id, message_id, job_type, attempt, status, completed_at, payload)
         values (gen_random_uuid(), 'msg_1', 'cleanup-old-data', 1, 'completed', now(), '{{\"retention\": {days}}}')"
    )
}

#[tokio::test]
async fn a_cleaning_that_does_not_run_is_noticed() {
    let deployment = Deployment::new("doctor_cleanup").await;
    deployment.says("cleanup", "warned", &["0 3 * * *"]);
    deployment.execute(&cleanup(30)).await;
    deployment.says("cleanup", "passed", &["retention 30 days"]);
}

#[tokio::test]
async fn days_that_the_log_lacks_are_counted() {
    let deployment = Deployment::new("doctor_partitions").await;
    deployment.says("partitions", "passed", &["8 days with a partition from today on, 0 rows outside"]);
    let drop = |ahead: u32| {
        format!(
            "do $$ begin execute 'drop table attempts_' || to_char((now() at time zone 'utc')::date + {ahead}, 'YYYYMMDD'); end $$"
        )
    };
    deployment.execute(&drop(2)).await;
    deployment.says("partitions", "warned", &["2 days with a partition"]);
    deployment.execute(&drop(0)).await;
    deployment.says("partitions", "failed", &["0 days with a partition", "create_day_partitions"]);
}
