//! `sigpost serve` and `sigpost migrate`.

use sigpost_dev_postgres::testing;
use sigpost_qstash::{DEV_CURRENT_KEY, DEV_NEXT_KEY, DEV_TOKEN};
use sigpost_store::database;

use crate::running::{Running, finished, sigpost};

pub(crate) async fn empty_database(name: &str) -> String {
    let server = tokio::task::spawn_blocking(testing::shared).await.expect("Postgres");
    database::create(&server.url("postgres"), name, None).await.expect("database");
    server.url(name)
}

pub(crate) fn stderr(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn serve_says_what_is_missing() {
    let output = finished(sigpost(&["serve"]));
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("DATABASE_URL is not set"), "{}", stderr(&output));
}

#[test]
fn serve_rejects_public_credentials() {
    let mut token = sigpost(&["serve"]);
    token.env("DATABASE_URL", "postgres://localhost/none").env("QSTASH_TOKEN", DEV_TOKEN);
    let mut keys = sigpost(&["serve"]);
    keys.env("DATABASE_URL", "postgres://localhost/none")
        .env("QSTASH_TOKEN", "a-token-of-my-own")
        .env("QSTASH_CURRENT_SIGNING_KEY", DEV_CURRENT_KEY)
        .env("QSTASH_NEXT_SIGNING_KEY", DEV_NEXT_KEY);
    let mut admin = sigpost(&["serve"]);
    admin
        .env("DATABASE_URL", "postgres://localhost/none")
        .env("QSTASH_TOKEN", "a-token-of-my-own")
        .env("ADMIN_TOKEN", DEV_TOKEN);
    for command in [token, keys, admin] {
        let output = finished(command);
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains("public development"), "{}", stderr(&output));
    }
}

#[test]
fn serve_leads_hosts_elsewhere_only_when_told_that_it_may() {
    let run = |arguments: &[&str]| {
        let mut command = sigpost(&["serve"]);
        command.args(arguments).env("DATABASE_URL", "nowhere").env("QSTASH_TOKEN", "a-token-of-my-own");
        stderr(&finished(command))
    };
    let alone = run(&["--resolve", "billing.example=127.0.0.1:8443"]);
    assert!(alone.contains("is for tests only") && alone.contains("--allow-resolve"), "{alone}");
    let allowed = run(&["--resolve", "billing.example=127.0.0.1:8443", "--allow-resolve", "--listen", "127.0.0.1:0"]);
    assert!(allowed.contains("DATABASE_URL"), "{allowed}");
    let malformed = run(&["--resolve", "billing.example", "--allow-resolve"]);
    assert!(malformed.contains("\"billing.example\" is not HOST=ADDR"), "{malformed}");
}

const ADMIN_TOKEN: &str = "the-admin-token-in-32-characters";

#[tokio::test]
async fn a_schema_is_migrated_served_and_taken_back() {
    let url = empty_database("program_serve").await;
    let run = |arguments: &[&str]| {
        let mut command = sigpost(arguments);
        command.env("DATABASE_URL", &url).env("QSTASH_TOKEN", "a-token-of-my-own");
        finished(command)
    };
    let unmigrated = run(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(stderr(&unmigrated).contains("run `sigpost migrate`"), "{}", stderr(&unmigrated));
    assert_eq!(run(&["migrate", "status"]).status.code(), Some(1));

    let applied = run(&["migrate", "--json"]);
    let applied: serde_json::Value = serde_json::from_slice(&applied.stdout).expect("JSON");
    let count = applied["applied"].as_array().expect("names").len();
    assert!(count >= 5);
    assert_eq!(run(&["migrate", "status"]).status.code(), Some(0));

    // Secrets that were created with `echo` end with a line break.
    let mut command = sigpost(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("DATABASE_URL", format!("{url}\n")).env("ADMIN_TOKEN", format!("{ADMIN_TOKEN}\n"));
    command.env("QSTASH_TOKEN", "a-token-of-my-own\n");
    let mut serve = Running::start(command);
    let line = serve.wait_for("sigpost serves");
    let address = line.split("listen=").nth(1).expect("an address").trim();
    let health = |arguments: &[&str]| {
        let mut command = sigpost(&[&["health"], arguments].concat());
        command.env("LISTEN", address);
        finished(command).status.code()
    };
    assert_eq!((health(&[]), health(&["--ready"])), (Some(0), Some(0)));
    assert_eq!(health(&["--url", "http://127.0.0.1:1"]), Some(1));
    let overview = console(address, ADMIN_TOKEN).await;
    assert!(overview.contains("No queues."), "the console uses the API of its own process: {overview}");
    let queues = |token: &str| {
        let mut command = sigpost(&["queues", "list"]);
        command.env("QSTASH_URL", format!("http://{address}\n")).env("QSTASH_TOKEN", token);
        finished(command)
    };
    assert_eq!(queues("\ta-token-of-my-own\r\n").status.code(), Some(0));
    let rejected = stderr(&queues("a token\nof two lines"));
    assert!(rejected.contains("QSTASH_TOKEN has a control character") && !rejected.contains("two lines"), "{rejected}");
    serve.signal("TERM");
    assert!(serve.ended().success(), "{}", serve.output());

    let reverted = run(&["migrate", "--revert", &count.to_string(), "--yes", "--json"]);
    let reverted: serde_json::Value = serde_json::from_slice(&reverted.stdout).expect("JSON");
    assert_eq!(reverted["reverted"].as_array().expect("names").len(), count);
    assert_eq!(run(&["migrate", "status"]).status.code(), Some(1));
}

#[tokio::test]
async fn second_signal_ends_the_grace_period() {
    let url = empty_database("program_second_signal").await;
    let command = |arguments: &[&str]| {
        let mut command = sigpost(arguments);
        command.env("DATABASE_URL", &url).env("QSTASH_TOKEN", "a-token-of-my-own");
        command.env("ALLOW_TARGETS", "127.0.0.1").env("SHUTDOWN_GRACE_SECONDS", "600");
        command
    };
    assert!(finished(command(&["migrate"])).status.success());
    let mut serve = Running::start(command(&["serve", "--listen", "127.0.0.1:0"]));
    let line = serve.wait_for("sigpost serves");
    let address = line.split("listen=").nth(1).expect("an address").trim();
    let hanging = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    let publish = format!("http://{address}/v2/publish/http://{}", hanging.local_addr().expect("an address"));
    let published = reqwest::Client::new().post(publish).bearer_auth("a-token-of-my-own").send().await;
    assert!(published.expect("a response").status().is_success());
    let _connection = hanging.accept().await.expect("a delivery");

    serve.signal("TERM");
    serve.wait_for("another signal returns them");
    serve.signal("TERM");
    assert!(serve.ended().success(), "{}", serve.output());
}

/// Signs in to the console and returns its first page.
async fn console(address: &str, token: &str) -> String {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let login = client.post(format!("http://{address}/console/login")).body(format!("token={token}"));
    let answer = login.send().await.expect("a response");
    let cookie = answer.headers()["set-cookie"].to_str().expect("text").split(';').next().expect("a pair").to_owned();
    let page = client.get(format!("http://{address}/console")).header("cookie", cookie).send().await;
    page.expect("a response").text().await.expect("a page")
}
