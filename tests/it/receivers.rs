//! QStash's own receivers verify sigpost's requests: the JavaScript package from npm, the Python package from PyPI.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use dispatch::dispatcher::StepKind;
use serde_json::{Value, json};
use sigpost_qstash::{DEV_CURRENT_KEY, DEV_NEXT_KEY};
use tests::sdk::{Sdk, printed};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;

use crate::support::TestApp;

#[tokio::test]
async fn javascript_receiver_accepts_only_sigpost_deliveries() {
    check_receiver(Sdk::JavaScript, "verify.mjs").await;
}

/// Wire reference, section 0: trap 21.
#[tokio::test]
async fn python_receiver_accepts_only_sigpost_deliveries() {
    check_receiver(Sdk::Python, "verify.py").await;
}

/// The route verifies with `verifySignatureAppRouter`, as an application written for QStash does.
#[tokio::test]
async fn nextjs_route_accepts_deliveries_and_rejects_forgeries() {
    let Some(folder) = Sdk::JavaScript.installed(Path::new(env!("CARGO_TARGET_TMPDIR"))).await else { return };
    let script = folder.join("route.mjs");
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("receivers/route.mjs"), &script).expect("a copy");
    let mut node = Sdk::JavaScript.interpreter(&folder);
    node.arg(script).env("QSTASH_CURRENT_SIGNING_KEY", DEV_CURRENT_KEY).env("QSTASH_NEXT_SIGNING_KEY", DEV_NEXT_KEY);
    let mut node = node.stdout(Stdio::piped()).kill_on_drop(true).spawn().expect("node");
    let mut lines = BufReader::new(node.stdout.take().expect("piped")).lines();
    let mut line = async || lines.next_line().await.expect("a line").expect("node runs");
    let route = line().await;

    let app = TestApp::start().await;
    let stranger = reqwest::Client::builder().no_proxy().build().expect("a client");
    let body = json!({ "template": "welcome", "to": "ada@example.com" }).to_string();
    for (signature, status) in [(None, 403), (Some("x.y.z"), 500)] {
        let mut request = stranger.post(&route).body(body.clone());
        if let Some(signature) = signature {
            request = request.header("Upstash-Signature", signature);
        }
        assert_eq!(request.send().await.expect("a response").status(), status);
    }
    let id = app.publish(&route, &[("Content-Type", "application/json")], &body).await.id();
    app.wait_for(id, StepKind::Retried).await;
    app.make_messages_due().await;
    app.wait_for(id, StepKind::Delivered).await;
    for retried in ["0", "1"] {
        let run: Value = serde_json::from_str(&line().await).expect("JSON");
        assert_eq!(run, json!({ "to": "ada@example.com", "messageId": id.to_string(), "retried": retried }));
    }
}

/// Delivers messages and has the receiver verify them: unchanged, under the next key, and tampered with.
async fn check_receiver(sdk: Sdk, script: &str) {
    let Some(folder) = sdk.installed(Path::new(env!("CARGO_TARGET_TMPDIR"))).await else { return };
    // Beside the SDK, where Node finds it.
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("receivers").join(script), folder.join(script)).expect(script);
    let mut verifier = sdk.interpreter(&folder);
    verifier.arg(folder.join(script));

    let app = TestApp::start().await;
    let mut cases: Vec<Value> = Vec::new();
    let mut expected: Vec<bool> = Vec::new();
    for (path, body) in [("/hook?a=1&b=%20", r#"{"hello":"wörld"}"#), ("", "")] {
        let url = app.receiver.url(path);
        app.publish(&url, &[("Content-Type", "application/json")], body).await;
        let request = app.receiver.next().await;
        let case = |current: &str, next: &str, url: &str, body: &str| {
            let signature = request.header("upstash-signature");
            json!({ "currentSigningKey": current, "nextSigningKey": next, "signature": signature, "url": url, "body": body })
        };
        cases.push(case(DEV_CURRENT_KEY, DEV_NEXT_KEY, &url, body));
        cases.push(case("sig_before_the_rotation", DEV_CURRENT_KEY, &url, body));
        expected.extend([true, true]);
        cases.push(case("sig_another", DEV_NEXT_KEY, &url, body));
        cases.push(case(DEV_CURRENT_KEY, DEV_NEXT_KEY, &format!("{url}/"), body));
        cases.push(case(DEV_CURRENT_KEY, DEV_NEXT_KEY, &url, "tampered"));
        expected.extend([false, false, false]);
    }
    let results = run(verifier, json!(cases)).await;
    let valid: Vec<bool> = results.as_array().expect("an array").iter().map(Value::is_null).collect();
    assert_eq!(valid, expected, "{results:#}");
}

async fn run(mut script: Command, input: Value) -> Value {
    let mut child =
        script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a process");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(input.to_string().as_bytes()).await.expect("written");
    drop(stdin);
    let output = child.wait_with_output().await.expect("an end");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{script:?} failed: {}", printed(&output)))
}
