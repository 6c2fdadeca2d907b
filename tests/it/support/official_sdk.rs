//! What tests have the official SDK do.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use sigpost_qstash::DEV_TOKEN;
use tests::sdk::{Sdk, printed};
use tokio::io::AsyncWriteExt;

/// Creates schedules with QStash's JavaScript SDK, at this URL. Returns their ids; `None` where the SDK
/// is not installed.
pub(crate) async fn create_schedules_with_the_sdk(url: &str, schedules: &Value) -> Option<Vec<String>> {
    let folder = Sdk::JavaScript.installed(Path::new(env!("CARGO_TARGET_TMPDIR"))).await?;
    let script = folder.join("create.mjs");
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("event_bridge/create.mjs"), &script).expect("a copy");
    let mut node = Sdk::JavaScript.interpreter(&folder);
    node.arg(script).env("QSTASH_URL", url).env("QSTASH_TOKEN", DEV_TOKEN).env("no_proxy", "127.0.0.1");
    node.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = node.spawn().expect("node");
    child.stdin.take().expect("piped").write_all(schedules.to_string().as_bytes()).await.expect("written");
    let output = child.wait_with_output().await.expect("an end");
    Some(serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", printed(&output))))
}
