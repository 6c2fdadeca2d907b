//! Publishes a job to the handler of the tutorial.

use std::env;

use serde_json::{Value, json};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let destination = format!("{}/api/jobs/greet", env::var("APP_URL")?);
    let response = reqwest::Client::new()
        .post(format!("{}/v2/publish/{destination}", env::var("QSTASH_URL")?))
        .bearer_auth(env::var("QSTASH_TOKEN")?)
        .header("Upstash-Retries", "5")
        .json(&json!({ "name": "Ada" }))
        .send()
        .await?;
    let status = response.status();
    let body: Value = response.json().await?;
    anyhow::ensure!(status.is_success(), "{status}: {}", body["error"]);
    println!("{}", body["messageId"].as_str().unwrap_or_default());
    Ok(())
}
