use std::net::TcpListener;

use super::Deployment;

#[tokio::test]
async fn channels_must_be_there_and_reached() {
    let deployment = Deployment::new("doctor_channels").await;
    deployment.says("alert-channels", "warned", &["SLACK_WEBHOOK_URL"]);
    deployment.says_with(&[("ALERT_EMAIL_TO", "ops@example.com")], &[], "alert-channels", "passed", &["e-mail"]);
    let slack = [("SLACK_WEBHOOK_URL", "https://127.0.0.1:1/services/T0/B0/s3cret")];
    deployment.says_with(&slack, &[], "alert-channels", "failed", &["127.0.0.1 cannot be reached"]);
    let pagerduty = [("PAGERDUTY_ROUTING_KEY", "key"), ("PAGERDUTY_URL", "https://127.0.0.1:1")];
    deployment.says_with(&pagerduty, &[], "alert-channels", "failed", &["PagerDuty"]);
}

#[tokio::test]
async fn a_channel_is_reached_without_its_secret_and_without_a_message() {
    use std::io::{Read, Write};
    let deployment = Deployment::new("doctor_channel").await;
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/services/s3cret?key=s3cret", listener.local_addr().expect("an address"));
    let asked = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a request");
        let mut request = [0; 4096];
        let length = stream.read(&mut request).expect("a request");
        stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").expect("a response");
        String::from_utf8_lossy(&request[..length]).into_owned()
    });
    deployment.says_with(&[("SLACK_WEBHOOK_URL", &url)], &[], "alert-channels", "passed", &["Slack"]);
    let request = asked.join().expect("a request");
    assert!(request.starts_with("HEAD / HTTP/1.1") && !request.contains("s3cret"), "{request}");
}

#[tokio::test]
async fn unchecked_health_is_reported() {
    let deployment = Deployment::new("doctor_checks").await;
    deployment.says("health-checks", "warned", &["none in the last hour", "*/5 * * * *"]);
    deployment
        .execute(
            "insert into job_executions (id, message_id, job_type, attempt, status, completed_at, payload)
             values (gen_random_uuid(), 'msg_1', 'check-job-health', 1, 'completed', now(), '{}')",
        )
        .await;
    deployment.says("health-checks", "passed", &[]);
}

#[tokio::test]
async fn alerts_that_are_open_are_said() {
    let deployment = Deployment::new("doctor_alerts").await;
    deployment.says("open-alerts", "passed", &["none"]);
    deployment
        .execute(
            "insert into alerts (rule, subject, severity, value, message, announced)
             values ('queue-depth', '', 'warning', 200, '200 messages are due', false)",
        )
        .await;
    deployment.says("open-alerts", "warned", &["1 open, 0 of them critical", "200 messages are due"]);
    deployment.execute("update alerts set severity = 'critical'").await;
    deployment.says("open-alerts", "failed", &["1 of them critical"]);
    deployment.execute("update alerts set resolved_at = now()").await;
    deployment.says("open-alerts", "passed", &[]);
}
