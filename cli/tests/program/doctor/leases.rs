use super::Deployment;
use super::deployment::connect;

#[tokio::test]
async fn processes_that_deliver_are_counted_by_who_listens() {
    let deployment = Deployment::new("doctor_processes").await;
    deployment.says("processes", "failed", &["0 listen"]);
    let one = connect(&deployment.url).await;
    one.batch_execute("listen sigpost").await.expect("listens");
    deployment.says("processes", "warned", &["1 listen"]);
    let other = connect(&deployment.url).await;
    other.batch_execute("listen sigpost").await.expect("listens");
    deployment.says("processes", "passed", &["2 listen"]);
}

#[tokio::test]
async fn a_lease_that_any_pause_loses_is_noticed() {
    let deployment = Deployment::new("doctor_lease").await;
    deployment.says("lease", "passed", &["20 s, renewed every 6.7 s"]);
    deployment.says_with(&[("LEASE_SECONDS", "3")], &[], "lease", "warned", &["delivered twice"]);
}

#[tokio::test]
async fn run_without_lease_renewal_is_reported() {
    let deployment = Deployment::new("doctor_heartbeats").await;
    deployment.says("heartbeats", "passed", &["0 runs in flight"]);
    deployment
        .execute(
            "insert into job_executions (id, message_id, job_type, attempt, lease_until)
             values (gen_random_uuid(), 'msg_1', 'greet', 1, now() + interval '1 hour')",
        )
        .await;
    deployment.says("heartbeats", "warned", &["another 60 min"]);
}

#[tokio::test]
async fn lost_leases_are_counted() {
    let deployment = Deployment::new("doctor_lost").await;
    deployment.says("lost-leases", "passed", &[]);
    deployment
        .execute(
            "insert into attempts (message_id, number, retried, outcome, started_at)
             values (gen_random_uuid(), 1, 0, 'lease_expired', now())",
        )
        .await;
    deployment.says("lost-leases", "warned", &["1 message with an expired lease"]);
}

#[tokio::test]
async fn a_grace_that_is_shorter_than_jobs_take_is_noticed() {
    let deployment = Deployment::new("doctor_grace").await;
    deployment.says("shutdown-grace", "passed", &["25 s"]);
    deployment
        .execute(
            "insert into job_executions (id, message_id, job_type, attempt, status, started_at, completed_at)
             values (gen_random_uuid(), 'msg_1', 'export-data', 1, 'completed', now() - interval '100 s', now())",
        )
        .await;
    deployment.says("shutdown-grace", "warned", &["p99 duration of export-data is 100 s"]);
}
