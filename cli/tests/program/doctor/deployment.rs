//! Deployment of one test: a database with the schema, and an environment.

use std::process::Command;

use serde_json::Value;
use sigpost_dev_postgres::testing;
use sigpost_store::{Database, database, migrate};
use tokio::sync::OnceCell;
use tokio_postgres::{Client, NoTls};

use crate::running::{finished, sigpost};
use crate::serve::stderr;

static TEMPLATE: OnceCell<()> = OnceCell::const_new();

/// Other variables that the doctor reads, removed because the environment of the tests may set them.
const OTHERS: [&str; 10] = [
    "BASE_URL",
    "JOB_URLS",
    "SLACK_WEBHOOK_URL",
    "PAGERDUTY_ROUTING_KEY",
    "PAGERDUTY_URL",
    "ALERT_EMAIL_TO",
    "SCHEDULE_GROUP",
    "RUST_LOG",
    "QSTASH_CURRENT_SIGNING_KEY",
    "QSTASH_NEXT_SIGNING_KEY",
];

pub(super) struct Deployment {
    pub(super) url: String,
    client: Client,
}

impl Deployment {
    /// Creates a deployment without problems, with a database of this name.
    pub(super) async fn new(name: &str) -> Self {
        let server = tokio::task::spawn_blocking(testing::shared).await.expect("Postgres");
        TEMPLATE
            .get_or_init(async || {
                database::create(&server.url("postgres"), "doctor_template", None).await.expect("a template");
                let template = Database::new(&server.url("doctor_template"), 1).expect("a template");
                migrate::up(&template).await.expect("migrations");
                let seeds = include_str!("../../../../tests/src/seeds.sql");
                connect(&server.url("doctor_template")).await.batch_execute(seeds).await.expect("seeds");
            })
            .await;
        database::create(&server.url("postgres"), name, Some("doctor_template")).await.expect("a database");
        Self::at(server.url(name)).await
    }

    /// Creates a deployment that uses this database.
    pub(super) async fn at(url: String) -> Self {
        Self { client: connect(&url).await, url }
    }

    /// Runs statements, separated by `;`.
    pub(super) async fn execute(&self, sql: &str) {
        self.client.batch_execute(sql).await.unwrap_or_else(|why| panic!("{sql}: {why}"));
    }

    /// Shadows a function of Postgres in all later connections.
    pub(super) async fn shadow(&self, function: &str) {
        self.execute(&format!(
            "create function public.{function}; \
             do $$ begin execute format('alter database %I set search_path = public, pg_catalog', current_database()); end $$"
        ))
        .await;
    }

    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = sigpost(&["doctor", "--json"]);
        for name in OTHERS {
            command.env_remove(name);
        }
        command.args(arguments).env("DATABASE_URL", &self.url).env("QSTASH_TOKEN", "a-token-of-my-own");
        command
    }

    /// Runs the doctor for one item and asserts its state, the texts in its finding, and the exit code.
    pub(super) fn says(&self, item: &str, state: &str, texts: &[&str]) {
        self.says_with(&[], &[], item, state, texts);
    }

    /// Like [`says`](Self::says), with additional environment variables and arguments.
    pub(super) fn says_with(
        &self,
        environment: &[(&str, &str)],
        arguments: &[&str],
        item: &str,
        state: &str,
        texts: &[&str],
    ) {
        let mut command = self.command(&[&["--only", item], arguments].concat());
        command.envs(environment.iter().copied());
        let output = finished(command);
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(&output)));
        let items = answer["items"].as_array().expect("items");
        assert_eq!(items.len(), 1);
        let finding = &items[0];
        let said = finding.to_string();
        assert_eq!(finding["state"], state, "{said}");
        assert!(texts.iter().all(|text| said.contains(text)), "{texts:?} in {said}");
        assert_eq!(output.status.code(), Some(i32::from(state == "failed")), "{said}");
        let explained = finding["reason"].is_string() && finding["fix"].is_string();
        assert!(explained || state == "passed" || state == "skipped", "{said}");
    }

    /// Runs the doctor for all items and returns the IDs of those that failed.
    pub(super) fn failed(&self, environment: &[(&str, &str)]) -> Vec<String> {
        let mut command = self.command(&[]);
        command.envs(environment.iter().copied());
        let answer: Value = serde_json::from_slice(&finished(command).stdout).expect("JSON");
        let failed = answer["items"].as_array().expect("items").iter().filter(|item| item["state"] == "failed");
        failed.map(|item| item["id"].as_str().expect("an id").to_owned()).collect()
    }
}

pub(super) async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("a connection");
    tokio::spawn(connection);
    client
}
