//! Requests to an admin function with IAM authorization.

use axum::Router;
use axum::http::{HeaderMap, StatusCode, Uri};
use tokio::net::TcpListener;
use tokio::sync::mpsc::unbounded_channel;

use crate::running::{finished, sigpost};
use crate::serve::stderr;

const CREDENTIALS: [(&str, &str); 4] = [
    ("AWS_REGION", "eu-central-1"),
    ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "the-secret"),
    ("AWS_SESSION_TOKEN", "the-session"),
];

/// The fields of all three responses.
const ALL: &str = r#"{
    "windowSeconds": 60, "stepSeconds": 60, "due": 0, "scheduled": 0, "waiting": 0, "active": 0, "oldestDueSeconds": null,
    "accepted": 0, "delivered": 0, "errors": 0, "failed": 0, "canceled": 0, "byDestination": [], "byQueue": [],
    "messages": { "accepted": 0, "delivered": 0, "errors": 0, "failed": 0, "canceled": 0 },
    "all": { "processing": 0, "completed": 0, "failed": 0, "failureRate": 0.0 },
    "byType": [], "runsOverTime": [], "messagesOverTime": [],
    "stats": [], "failureRate": 0.0, "totalJobs": 0, "health": "healthy", "reasons": [],
    "stuck": { "count": 0, "oldestSeconds": null, "messageIds": [] },
    "queue": { "due": 0, "scheduled": 0, "active": 0, "waiting": 0, "oldestDueSeconds": null },
    "deadLetters": { "inWindow": 0, "total": 0 }, "durations": null, "lastCompletedAt": null, "alerts": []
}"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_question_to_the_admin_api_is_signed_in_place_of_a_token_when_told_so() {
    let (sender, mut asked) = unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let answer = async move |uri: Uri, headers: HeaderMap| {
        let _ = sender.send((uri, headers));
        ALL
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });

    let ask = |arguments: &[&str]| {
        let mut command = sigpost(arguments);
        command.env("ADMIN_URL", &url).env("ADMIN_TOKEN", "not-to-be-sent").envs(CREDENTIALS);
        finished(command)
    };
    for (arguments, path) in [
        (&["jobs", "--admin-iam", "--window", "1h"][..], "/api/admin/job-metrics?window=1h"),
        (&["stats", "--admin-iam"], "/api/admin/stats?window=24h"),
        (&["health", "--jobs", "--admin-iam"], "/api/admin/job-health?window=1h"),
    ] {
        let output = ask(arguments);
        assert!(output.status.success(), "{}", stderr(&output));
        let (uri, headers) = asked.recv().await.expect("a request");
        assert_eq!(uri.to_string(), path);
        let authorization = headers["authorization"].to_str().expect("text");
        let (credential, rest) = authorization.split_once(", ").expect("parts");
        assert!(credential.starts_with("AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/"), "{authorization}");
        assert!(credential.ends_with("/eu-central-1/lambda/aws4_request"), "{authorization}");
        assert!(rest.starts_with("SignedHeaders=host;x-amz-date;x-amz-security-token, Signature="), "{authorization}");
        assert_eq!(headers["x-amz-security-token"], "the-session");
    }

    // The response of a Lambda function URL.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let rejecting = format!("http://{}", listener.local_addr().expect("an address"));
    let forbidden = async || (StatusCode::FORBIDDEN, r#"{"Message": "Forbidden"}"#);
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(forbidden)).await });
    for arguments in [&["stats"][..], &["health", "--jobs"]] {
        let rejected = ask(&[arguments, &["--admin-iam", "--admin-url", &rejecting]].concat());
        assert!(stderr(&rejected).contains("403 Forbidden: Forbidden"), "{}", stderr(&rejected));
    }

    let mut without = sigpost(&["stats", "--admin-iam"]);
    without.env("ADMIN_URL", &url).env("AWS_REGION", "eu-central-1").env_remove("AWS_ACCESS_KEY_ID");
    let without = finished(without);
    assert_eq!(without.status.code(), Some(1));
    assert!(stderr(&without).contains("--admin-iam: there are no AWS credentials"), "{}", stderr(&without));
}
