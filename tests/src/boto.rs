//! AWS's SDK for Python, which comes with [`Moto`](crate::moto::Moto).

use std::path::Path;

use tokio::process::Command;

use crate::installation::printed;

/// The region of all resources.
pub const REGION: &str = "eu-central-1";

/// Returns environment variables that point an SDK to a stand-in for AWS.
pub fn environment(url: &str) -> [(&'static str, &str); 4] {
    [
        ("AWS_ENDPOINT_URL", url),
        ("AWS_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
    ]
}

/// Runs a program with the SDK of the moto that is installed below this folder and with the AWS endpoint at this URL.
/// Returns its output.
pub async fn run(under: &Path, url: &str, program: &str, arguments: &[&str]) -> String {
    let mut python = Command::new(under.join("sdk/moto/venv/bin/python"));
    python.args(["-c", program]).args(arguments).envs(environment(url)).env("AWS_DEFAULT_REGION", REGION);
    let output = python.output().await.expect("Python");
    assert!(output.status.success(), "{}", printed(&output));
    String::from_utf8(output.stdout).expect("text")
}
