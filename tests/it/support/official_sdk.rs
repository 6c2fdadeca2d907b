//! Scripts that use the official SDKs.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Map, Value};
use sigpost_qstash::DEV_TOKEN;
use tests::sdk::{Sdk, printed};
use tokio::io::AsyncWriteExt;

/// Creates schedules with QStash's JavaScript SDK at this URL. Returns their IDs, or `None` if the SDK is not
/// installed.
pub(crate) async fn create_schedules_with_the_sdk(url: &str, schedules: &Value) -> Option<Vec<String>> {
    let environment = [("QSTASH_URL", url), ("QSTASH_TOKEN", DEV_TOKEN), ("no_proxy", "127.0.0.1")];
    let ids = run("event_bridge/create.mjs", schedules, &environment).await?;
    Some(serde_json::from_value(ids).expect("ids"))
}

/// Signs webhooks with the libraries of Stripe and Svix. Returns the headers of each, or `None` if they are not
/// installed.
pub(crate) async fn sign_webhooks(cases: &Value) -> Option<Vec<Map<String, Value>>> {
    Some(serde_json::from_value(run("webhooks/sign.mjs", cases, &[]).await?).expect("headers"))
}

/// Runs a script of this folder beside the SDKs with JSON input and output. Returns `None` if they are not installed.
async fn run(script: &str, input: &Value, environment: &[(&str, &str)]) -> Option<Value> {
    let folder = Sdk::JavaScript.installed(Path::new(env!("CARGO_TARGET_TMPDIR"))).await?;
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(script);
    let script = folder.join(source.file_name().expect("a name"));
    // Written atomically, because another test may be running it.
    let copy = folder.join(format!("{}.mjs", uuid::Uuid::now_v7()));
    fs::copy(source, &copy).expect("a copy");
    fs::rename(copy, &script).expect("its name");
    let mut node = Sdk::JavaScript.interpreter(&folder);
    node.arg(script).envs(environment.iter().copied());
    node.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = node.spawn().expect("node");
    child.stdin.take().expect("piped").write_all(input.to_string().as_bytes()).await.expect("written");
    let output = child.wait_with_output().await.expect("an end");
    Some(serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", printed(&output))))
}
