//! The curl snippets of the book's first chapter are run, as they stand there, against a `sigpost dev`.

use std::fs;
use std::path::Path;
use std::process::Command;

use sigpost_qstash::DEV_TOKEN;

use crate::running::{Running, folder};

#[test]
fn curl_snippets_work_as_written() {
    let snippets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src/getting-started/snippets/curl");
    let folder = folder();
    let (_dev, url) = Running::dev(folder.path());
    let mut responses = String::new();
    for name in ["publish.sh", "options.sh", "events.sh"] {
        let script = fs::read_to_string(snippets.join(name)).expect(name);
        // So that curl fails when the API does.
        let script = script.replace("curl ", "curl --fail-with-body --silent --show-error ");
        let mut bash = Command::new("bash");
        let output = bash.args(["-euc", &script]).env("QSTASH_URL", &url).env("QSTASH_TOKEN", DEV_TOKEN).output();
        let output = output.expect("bash");
        responses.push_str(&String::from_utf8_lossy(&output.stdout));
        assert!(output.status.success(), "{name}: {responses}{}", String::from_utf8_lossy(&output.stderr));
    }
    assert!(responses.matches(r#""messageId":"msg_"#).count() >= 3, "{responses}");
}
