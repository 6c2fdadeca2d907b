use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

use sigpost_qstash::SigningKeys;

use super::Deployment;

#[tokio::test]
async fn targets_that_lead_inside_are_noticed() {
    let deployment = Deployment::new("doctor_private").await;
    let allowing = |list| [("ALLOW_TARGETS", list)];
    deployment.says_with(&allowing("10.0.0.0/8"), &[], "private-targets", "passed", &[]);
    deployment.says_with(&allowing("127.0.0.0/8"), &[], "private-targets", "warned", &["this machine"]);
    deployment.says_with(&allowing("169.254.0.0/16"), &[], "private-targets", "failed", &["169.254.169.254"]);
}

#[tokio::test]
async fn targets_without_encryption_are_named() {
    let deployment = Deployment::new("doctor_plain").await;
    deployment.says("plain-targets", "passed", &[]);
    deployment
        .execute(
            r#"insert into url_groups (name, endpoints) values ('g', '[{"url": "http://plain.example:8080/hook"}]')"#,
        )
        .await;
    deployment.says("plain-targets", "warned", &["plain.example"]);
}

/// Starts an API that responds to each path with a status and a body, and sends this `Date`. Returns its URL.
fn api(date: &'static str, answers: impl Fn(&str, bool) -> (u16, String) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let lines = BufReader::new(stream.try_clone().expect("a copy")).lines().map_while(Result::ok);
            let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
            let path = head.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
            let has_token = head.iter().any(|line| line.to_ascii_lowercase().starts_with("authorization: bearer"));
            let (status, body) = answers(path, has_token);
            let answer = format!(
                "HTTP/1.1 {status} Said\r\nDate: {date}\r\nContent-Type: application/json\r\n\
                 Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    url
}

const LONG_AGO: &str = "Tue, 01 Nov 2022 00:00:00 GMT";

#[tokio::test]
async fn an_api_over_plain_http_is_a_fault_unless_it_is_here() {
    let deployment = Deployment::new("doctor_api_tls").await;
    let says = |url: &str, state: &str| deployment.says_with(&[], &["--url", url], "api-tls", state, &[]);
    deployment.says("api-tls", "skipped", &["--url or QSTASH_URL"]);
    says("https://jobs.example", "passed");
    says("http://127.0.0.1:8080", "passed");
    deployment.says_with(&[], &["--url", "http://jobs.example"], "api-tls", "failed", &["certificate"]);
}

#[tokio::test]
async fn an_api_that_is_down_or_not_ready_is_a_fault() {
    let deployment = Deployment::new("doctor_api_health").await;
    let unready = api(LONG_AGO, |path, _| (if path == "/readyz" { 503 } else { 200 }, "{}".into()));
    deployment.says_with(&[], &["--url", &unready], "api-health", "failed", &["/readyz responds 503"]);
    let away = ["--url", "http://127.0.0.1:1"];
    deployment.says_with(&[], &away, "api-health", "failed", &["no response from /healthz"]);
}

#[tokio::test]
async fn open_or_unusable_api_is_a_fault() {
    let deployment = Deployment::new("doctor_api_auth").await;
    let says = |url: &str, state: &str, text: &str| {
        deployment.says_with(&[], &["--url", url], "api-authorization", state, &[text]);
    };
    says(&api(LONG_AGO, |_, has_token| (if has_token { 200 } else { 401 }, "[]".into())), "passed", "401 without");
    says(&api(LONG_AGO, |_, _| (401, "{}".into())), "failed", "does not accept the QSTASH_TOKEN");
    let open = api(LONG_AGO, |_, _| (200, "[]".into()));
    deployment.says_with(&[], &["--url", &open], "api-authorization", "failed", &["not rejected"]);
}

#[tokio::test]
async fn an_api_on_another_database_is_found_out_by_its_keys() {
    let deployment = Deployment::new("doctor_api_database").await;
    let keys = SigningKeys::generate();
    let answer = serde_json::to_string(&keys).expect("JSON");
    let url = api(LONG_AGO, move |_, _| (200, answer.clone()));
    deployment.says_with(&[], &["--url", &url], "api-database", "failed", &["another database"]);
    deployment
        .execute(&format!("insert into signing_keys (current, next) values ('{}', '{}')", keys.current, keys.next))
        .await;
    deployment.says_with(&[], &["--url", &url], "api-database", "passed", &[]);
}

#[tokio::test]
async fn an_api_with_another_clock_is_noticed() {
    let deployment = Deployment::new("doctor_api_clock").await;
    let url = api(LONG_AGO, |_, _| (200, "{}".into()));
    deployment.says_with(&[], &["--url", &url], "api-clock", "failed", &["behind", "NTP"]);
}

#[tokio::test]
async fn handlers_that_run_what_is_not_signed_are_a_fault() {
    let deployment = Deployment::new("doctor_handlers").await;
    deployment.says("handlers-signed", "skipped", &["BASE_URL or JOB_URLS"]);
    let closed = api(LONG_AGO, |_, _| (401, "{}".into()));
    deployment.says_with(&[("BASE_URL", &closed)], &[], "handlers-signed", "passed", &["reject"]);
    let open = format!("send-email={}", api(LONG_AGO, |_, _| (200, "{}".into())));
    let environment = [("BASE_URL", closed.as_str()), ("JOB_URLS", &open)];
    deployment.says_with(&environment, &[], "handlers-signed", "failed", &["send-email responds 200"]);
}
