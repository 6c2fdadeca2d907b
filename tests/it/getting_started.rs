//! The snippets of the getting-started pages and of the guide for other languages, executed as they stand there: with the published SDKs, with Go's standard
//! library, and with this repository's handler library.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use dispatch::dispatcher::StepKind;
use sigpost_qstash::{DEV_CURRENT_KEY, DEV_NEXT_KEY, DEV_TOKEN};
use tests::sdk::{Sdk, printed};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, BufReader, Lines};
use tokio::process::{ChildStdout, Command};

use crate::jobs::deployment::Deployment;
use crate::support::{TestApp, repository};

#[path = "../../docs/src/getting-started/snippets/rust/greet.rs"]
#[expect(unreachable_pub, reason = "the reader's package exports these types")]
mod greet;

fn snippet(path: &str) -> PathBuf {
    repository("docs/src/getting-started/snippets").join(path)
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

fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").to_string()
}

/// Starts a handler, runs the publisher once the handler's log has this text, and checks that the handler gets the message.
async fn check_programs(address: &str, mut handler: Command, mut publish: Command, ready: &str) {
    let app = TestApp::start().await;
    let app_url = format!("http://{address}");
    with_settings(&mut handler, &app).env("APP_URL", &app_url).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut handler = handler.spawn().expect("the handler");
    let mut log = BufReader::new(handler.stderr.take().expect("piped")).lines();
    while !line(&mut log).await.contains(ready) {}

    with_settings(&mut publish, &app).env("APP_URL", &app_url);
    let id = printed_id(publish).await;
    // Uvicorn prints a line per request beside those of the handler.
    let mut lines = BufReader::new(handler.stdout.take().expect("piped")).lines();
    check_greeting(&app, &mut lines, &id).await;
    check_rejects_unsigned(&app_url).await;
}

/// Runs a publisher. Returns the message ID that it prints.
async fn printed_id(mut publish: Command) -> String {
    let output = publish.output().await.expect("the publisher");
    assert!(output.status.success(), "{}", printed(&output));
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

async fn check_rejects_unsigned(app_url: &str) {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let response = client.post(format!("{app_url}/api/greet")).body("{}").send().await;
    assert_eq!(response.expect("a response").status(), 401);
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
    let address = free_address();
    let mut uvicorn = Sdk::Python.interpreter(&folder);
    let (_, port) = address.split_once(':').expect("a port");
    uvicorn.args(["-m", "uvicorn", "main:app", "--port", port, "--app-dir"]).arg(snippet("python"));
    let mut publish = Sdk::Python.interpreter(&folder);
    publish.arg(snippet("python/publish.py"));
    check_programs(&address, uvicorn, publish, "running on").await;
}

#[tokio::test]
async fn express_snippet_verifies_a_message() {
    let Some(folder) = installed(Sdk::JavaScript).await else { return };
    let script = folder.join("express.mjs");
    fs::copy(repository("docs/src/guides/snippets/express.mjs"), &script).expect("a copy");
    let app = TestApp::start().await;
    let address = free_address();
    let (app_url, (_, port)) = (format!("http://{address}"), address.split_once(':').expect("a port"));

    let mut node = Sdk::JavaScript.interpreter(&folder);
    with_settings(node.arg(script), &app).env("APP_URL", &app_url).env("PORT", port).stdout(Stdio::piped());
    let mut handler = node.spawn().expect("node");
    let mut lines = BufReader::new(handler.stdout.take().expect("piped")).lines();
    assert_eq!(line(&mut lines).await, format!("listening on port {port}"));
    let id = app.publish(&format!("{app_url}/api/greet"), &[], r#"{"name": "Ada"}"#).await.id();
    check_greeting(&app, &mut lines, &id.to_string()).await;
    check_rejects_unsigned(&app_url).await;
}

/// Builds the Go programs into the folder that is returned. Returns `None` if Go is not installed, so that Rust alone is
/// sufficient for the other tests. With `SIGPOST_TEST_ALL` set, as in CI, that is a failure.
async fn built_with_go() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("go");
    let mut go = Command::new("go");
    // A trailing slash: Go writes one program per package into the folder.
    go.args(["build", "-o"]).arg(folder.join("programs/")).args(["./handler", "./publish"]).current_dir(snippet("go"));
    let output = go.env("GOCACHE", folder.join("cache")).env("GOFLAGS", "-mod=readonly").output().await;
    let Ok(output) = output else {
        eprintln!("NOT TESTED: what needs Go, for there is no go here");
        assert!(std::env::var_os("SIGPOST_TEST_ALL").is_none(), "this test needs Go (apt-get install golang-go)");
        return None;
    };
    assert!(output.status.success(), "{}", printed(&output));
    Some(folder.join("programs"))
}

#[tokio::test]
async fn go_snippets_publish_and_verify_a_message() {
    let Some(programs) = built_with_go().await else { return };
    let address = free_address();
    let mut handler = Command::new(programs.join("handler"));
    handler.env("LISTEN", &address);
    check_programs(&address, handler, Command::new(programs.join("publish")), "listening on").await;
}

#[tokio::test]
async fn rust_snippets_publish_and_run_a_job() {
    let deployment = Deployment::start(|harness| sigpost_jobs::router(greet::Greeter, harness)).await;
    let mut publish = Command::new(env!("CARGO_BIN_EXE_publish-snippet"));
    with_settings(&mut publish, &deployment.app).env("APP_URL", &deployment.url);
    let id = printed_id(publish).await.parse().expect("a message ID");
    deployment.app.wait_for(id, StepKind::Delivered).await;
    assert_eq!(deployment.runs(id).await[0]["result"], "Hello, Ada!");
}
