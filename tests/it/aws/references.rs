//! References to Systems Manager and Secrets Manager in the environment variables of a function.

use std::path::Path;
use std::process::{Output, Stdio};

use tests::boto;
use tests::moto::Moto;
use tokio::process::Command;

use crate::support::{TestApp, TestDatabase};

/// Stores the parameters and secrets of a deployment. The secret has been rotated.
const KEEP: &str = "
import boto3, json, sys
url, password = sys.argv[1:]
ssm, secrets = boto3.client('ssm'), boto3.client('secretsmanager')
ssm.put_parameter(Name='/sigpost/database-url', Value=url, Type='SecureString')
ssm.put_parameter(Name='/sigpost/token', Value='a token of our own', Type='String')
keep = lambda password: json.dumps({'username': 'sigpost', 'password': password})
secrets.create_secret(Name='sigpost/database', SecretString=keep('former'))
secrets.put_secret_value(SecretId='sigpost/database', SecretString=keep(password))
";

/// Starts a dispatcher that uses this AWS.
fn dispatcher(moto: &Moto) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_killable-dispatcher"));
    command
        .env_clear()
        .envs(boto::environment(&moto.url))
        .env("DATABASE_URL", "ssm:/sigpost/database-url")
        .env("DATABASE_PASSWORD", "secretsmanager:sigpost/database#password")
        .env("QSTASH_TOKEN", "ssm:/sigpost/token")
        .env("LISTEN", "127.0.0.1:0")
        .env("ALLOW_TARGETS", "127.0.0.0/8")
        .env("RUST_LOG", "warn")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

async fn moto_with(database: &TestDatabase) -> Option<Moto> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let moto = Moto::start(folder).await?;
    let (before, after) = database.url.split_once('@').expect("a user");
    let (user, password) = before.rsplit_once(':').expect("a password");
    boto::run(folder, &moto.url, KEEP, &[&format!("{user}@{after}"), password]).await;
    Some(moto)
}

#[tokio::test]
async fn function_resolves_references_of_its_environment() {
    let publisher = TestApp::start_with(|config| config.dispatcher = None).await;
    let Some(moto) = moto_with(&publisher.database).await else { return };
    let _dispatcher = dispatcher(&moto).spawn().expect("a process");
    publisher.publish_here(&[], "delivered by who knows the password").await;
    assert_eq!(publisher.receiver.next().await.body, "delivered by who knows the password");
}

#[tokio::test]
async fn unresolved_reference_is_named_without_secrets() {
    let database = TestDatabase::new().await;
    let Some(moto) = moto_with(&database).await else { return };
    let (_, password) = database.url.split_once('@').expect("a user").0.rsplit_once(':').expect("a password");
    for (variable, reference, why) in [
        ("QSTASH_TOKEN", "ssm:/sigpost/missing", "does not exist"),
        ("QSTASH_TOKEN", "secretsmanager:missing", "cannot be read: ResourceNotFoundException"),
        ("DATABASE_PASSWORD", "secretsmanager:sigpost/database#pin", "has no member \"pin\""),
        ("QSTASH_TOKEN", "ssm:/sigpost/token#pin", "is not a JSON object"),
    ] {
        let Output { status, stderr, .. } = dispatcher(&moto).env(variable, reference).output().await.expect("ended");
        let stderr = String::from_utf8_lossy(&stderr);
        assert_eq!(status.code(), Some(1), "{stderr}");
        assert!(stderr.contains(&format!("{variable}: {reference} {why}")), "{stderr}");
        assert!(!stderr.contains(password) && !stderr.contains("a token"), "{stderr}");
    }
}
