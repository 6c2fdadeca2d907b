use super::Deployment;

/// Inserts a schedule with additional columns.
fn schedule(id: &str, cron: &str, columns: &str, values: &str) -> String {
    format!(
        "insert into schedules (id, cron, destination, parameters, body, catch_up{columns})
         values ('{id}', '{cron}', 'https://a.example', '{{}}', '', 'last'{values})"
    )
}

const ON_AWS: [(&str, &str); 3] = [
    ("SCHEDULE_GROUP", "group"),
    ("SCHEDULE_TARGET_ARN", "arn:aws:lambda:eu-central-1:1:function:dispatch"),
    ("SCHEDULE_ROLE_ARN", "arn:aws:iam::1:role/scheduler"),
];

#[tokio::test]
async fn schedules_without_a_driver_are_reported() {
    let deployment = Deployment::new("doctor_firing").await;
    deployment.execute(&schedule("fine", "0 3 * * *", ", next_fire_at", ", now() + interval '1 h'")).await;
    deployment.says("schedules-firing", "passed", &["1 schedule,"]);
    deployment.execute(&schedule("late", "0 4 * * *", ", next_fire_at", ", now() - interval '3 min'")).await;
    deployment.says("schedules-firing", "warned", &["not fired on time: late"]);
    deployment.says_with(&ON_AWS, &[], "schedules-firing", "warned", &["late"]);
    deployment.execute("update schedules set next_fire_at = now() - interval '11 min' where id = 'late'").await;
    deployment.says("schedules-firing", "failed", &["by up to 11 min"]);
}

#[tokio::test]
async fn schedules_that_eventbridge_does_not_know_are_named() {
    let deployment = Deployment::new("doctor_mirrored").await;
    deployment.execute(&schedule("new", "0 3 * * *", "", "")).await;
    deployment.says("schedules-mirrored", "skipped", &["SCHEDULE_GROUP is not set"]);
    deployment.says_with(&ON_AWS, &[], "schedules-mirrored", "passed", &[]);
    let times = (", updated_at, fires_from", ", now() - interval '6 min', now() - interval '6 min'");
    deployment.execute(&schedule("stale", "0 4 * * *", times.0, times.1)).await;
    deployment.says_with(&ON_AWS, &[], "schedules-mirrored", "failed", &["not mirrored: stale"]);
    deployment.execute("update schedules set mirrored_at = now()").await;
    deployment.says("schedules-mirrored", "warned", &["in all processes of the deployment or in none"]);
}

#[tokio::test]
async fn schedules_that_cannot_fire_or_are_there_twice_are_named() {
    let deployment = Deployment::new("doctor_valid").await;
    deployment.execute(&schedule("a", "*/10 * * * * *", "", "")).await;
    deployment.says("schedules-valid", "passed", &[]);
    deployment.says_with(&ON_AWS, &[], "schedules-valid", "failed", &["EventBridge Scheduler does not support it: a"]);
    deployment.execute(&schedule("b", "*/10 * * * * *", "", "")).await;
    deployment.says("schedules-valid", "warned", &["each job runs twice: a, b"]);
    deployment.execute("update schedules set cron = '61 * * * *' where id = 'b'").await;
    deployment.says("schedules-valid", "failed", &["1 of 2 cannot fire"]);
}

#[tokio::test]
async fn schedules_that_publish_nothing_are_named_with_the_reason() {
    let deployment = Deployment::new("doctor_errors").await;
    deployment.execute(&schedule("fine", "0 3 * * *", "", "")).await;
    deployment.says("schedule-errors", "passed", &[]);
    deployment.execute("update schedules set error = 'there is no URL group'").await;
    deployment.says("schedule-errors", "failed", &["fine: there is no URL group"]);
}
