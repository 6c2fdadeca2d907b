//! QStash's own receivers verify what we send: the JavaScript one from npm, the Python one from PyPI.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use serde_json::{Value, json};
use sigpost_qstash::{DEV_CURRENT_KEY, DEV_NEXT_KEY};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::support::TestApp;

#[tokio::test]
async fn the_javascript_receiver_accepts_our_deliveries_and_nothing_else() {
    if !is_here("npm", &["--version"]).await {
        return;
    }
    let app = TestApp::start().await;
    let folder = installed("javascript", "package.json", "verify.mjs", async |folder| {
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix"]).arg(folder);
        succeed(&mut npm, "node with npm, version 18 or later (apt-get install nodejs npm)").await;
    })
    .await;
    let mut script = Command::new("node");
    script.arg(folder.join("verify.mjs"));
    check_receiver(&app, script).await;
}

#[tokio::test]
async fn the_python_receiver_accepts_our_deliveries_and_nothing_else() {
    if !is_here("python3", &["-c", "import ensurepip, venv"]).await {
        return;
    }
    let app = TestApp::start().await;
    let folder = installed("python", "requirements.txt", "verify.py", async |folder| {
        let mut venv = Command::new("python3");
        venv.args(["-m", "venv"]).arg(folder.join("venv"));
        succeed(&mut venv, "python3 with venv (apt-get install python3-venv)").await;
        let mut pip = Command::new(folder.join("venv/bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
        succeed(pip.arg(folder.join("requirements.txt")), "pip").await;
    })
    .await;
    let mut script = Command::new(folder.join("venv/bin/python"));
    script.arg(folder.join("verify.py"));
    check_receiver(&app, script).await;
}

/// Whether the language of a receiver is installed. Who only has Rust can run the other tests; where
/// `SIGPOST_TEST_ALL` is set, as in the gate, what is missing is a failure.
async fn is_here(program: &str, arguments: &[&str]) -> bool {
    let asked = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status().await;
    let is_here = asked.is_ok_and(|status| status.success());
    if !is_here {
        eprintln!("NOT TESTED: the official receiver that needs {program}, which is not installed");
    }
    is_here || std::env::var_os("SIGPOST_TEST_ALL").is_some()
}

/// Delivers messages and has the receiver judge them: as they came, under the next key, and tampered with.
async fn check_receiver(app: &TestApp, script: Command) {
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
    let results = run(script, json!(cases)).await;
    let valid: Vec<bool> = results.as_array().expect("an array").iter().map(Value::is_null).collect();
    assert_eq!(valid, expected, "{results:#}");
}

/// A folder with the script and what it needs, made once for each list of what it needs.
async fn installed(name: &str, needs: &str, script: &str, install: impl AsyncFnOnce(&Path)) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("receivers");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("receivers").join(name);
    let done = folder.join("installed");
    let needed = fs::read(source.join(needs)).expect(needs);
    if fs::read(&done).ok().as_ref() != Some(&needed) {
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join(needs), &needed).expect(needs);
        install(&folder).await;
        fs::write(done, needed).expect("written");
    }
    fs::copy(source.join(script), folder.join(script)).expect(script);
    folder
}

async fn succeed(command: &mut Command, needed: &str) {
    let output = command.output().await;
    let output = output.unwrap_or_else(|why| panic!("this test needs {needed}: {why}"));
    assert!(output.status.success(), "this test needs {needed}: {command:?} failed: {}", text(&output));
}

async fn run(mut script: Command, input: Value) -> Value {
    let mut child =
        script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a process");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(input.to_string().as_bytes()).await.expect("written");
    drop(stdin);
    let output = child.wait_with_output().await.expect("an end");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{script:?} failed: {}", text(&output)))
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
