//! The snippets of the book's first chapters, executed as they stand there, with the published SDKs.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use dispatch::engine::StepKind;
use sigpost_qstash::{DEV_CURRENT_KEY, DEV_NEXT_KEY, DEV_TOKEN};
use tests::sdk::Sdk;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, BufReader, Lines};
use tokio::process::{ChildStdout, Command};

use crate::support::TestApp;

fn snippet(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src/getting-started/snippets").join(path)
}

async fn installed(sdk: Sdk) -> Option<PathBuf> {
    sdk.installed(Path::new(env!("CARGO_TARGET_TMPDIR"))).await
}

/// Sets the variables that the chapters tell the reader to set.
fn with_settings<'a>(command: &'a mut Command, app: &TestApp) -> &'a mut Command {
    command
        .env("QSTASH_URL", &app.url)
        .env("QSTASH_TOKEN", DEV_TOKEN)
        .env("QSTASH_CURRENT_SIGNING_KEY", DEV_CURRENT_KEY)
        .env("QSTASH_NEXT_SIGNING_KEY", DEV_NEXT_KEY)
        .kill_on_drop(true)
}

async fn line(lines: &mut Lines<impl AsyncBufRead + Unpin>) -> String {
    lines.next_line().await.expect("a line").expect("the process runs")
}

/// Checks that the handler printed the greeting of the message that was published.
async fn check_greeting(app: &TestApp, lines: &mut Lines<BufReader<ChildStdout>>, id: &str) {
    assert_eq!(line(lines).await, format!("Hello, Ada! ({id})"));
    app.wait_for(id.parse().expect("a message ID"), StepKind::Delivered).await;
}

#[tokio::test]
async fn javascript_snippets_publish_and_verify_a_message() {
    let Some(folder) = installed(Sdk::JavaScript).await else { return };
    for (from, to) in [("greet", "greet.mjs"), ("signup", "signup.mjs")] {
        let route = snippet(&format!("javascript/app/api/{from}/route.ts"));
        fs::copy(route, folder.join(to)).expect("a copy");
    }
    let script = folder.join("getting_started.mjs");
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("receivers/getting_started.mjs"), &script).expect("a copy");

    let app = TestApp::start().await;
    let mut node = Sdk::JavaScript.interpreter(&folder);
    let mut node = with_settings(node.arg(script), &app).stdout(Stdio::piped()).spawn().expect("node");
    let mut lines = BufReader::new(node.stdout.take().expect("piped")).lines();
    // The response and the delivery come in any order.
    let mut printed = [line(&mut lines).await, line(&mut lines).await];
    printed.sort();
    let [greeting, id] = printed;
    assert_eq!(greeting, format!("Hello, Ada! ({id})"));
    app.wait_for(id.parse().expect("a message ID"), StepKind::Delivered).await;
}

#[tokio::test]
async fn python_snippets_publish_and_verify_a_message() {
    let Some(folder) = installed(Sdk::Python).await else { return };
    let app = TestApp::start().await;
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
    let app_url = format!("http://127.0.0.1:{port}");

    let mut uvicorn = Sdk::Python.interpreter(&folder);
    uvicorn.args(["-m", "uvicorn", "main:app", "--port", &port.to_string(), "--app-dir"]).arg(snippet("python"));
    with_settings(&mut uvicorn, &app).env("APP_URL", &app_url).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut handler = uvicorn.spawn().expect("uvicorn");
    let mut log = BufReader::new(handler.stderr.take().expect("piped")).lines();
    while !line(&mut log).await.contains("running on") {}

    let mut publish = Sdk::Python.interpreter(&folder);
    with_settings(publish.arg(snippet("python/publish.py")), &app).env("APP_URL", &app_url);
    let published = publish.output().await.expect("python");
    assert!(published.status.success(), "{}", String::from_utf8_lossy(&published.stderr));
    let id = String::from_utf8(published.stdout).expect("text");
    // Uvicorn prints a line per request beside those of the handler.
    let mut lines = BufReader::new(handler.stdout.take().expect("piped")).lines();
    check_greeting(&app, &mut lines, id.trim()).await;
}
