//! `sigpost tokens create|list|revoke`.

use std::num::NonZeroU32;

use anyhow::{Context, Result, ensure};
use clap::builder::PossibleValue;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use sigpost_store::Connection;
use sigpost_store::api_tokens::{self, ApiToken, Grant, Scope, TokenHash};

use crate::confirm::ConfirmArgs;
use crate::database_args::DatabaseArgs;
use crate::output;

const SCHEMA: &str = "the tokens cannot be reached; has the schema been applied (`sigpost migrate`)?";

/// Make, list and revoke tokens of the API, besides QSTASH_TOKEN.
#[derive(Debug, Args)]
pub(crate) struct Tokens {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a token and print it. It is shown this once: the database keeps its hash only.
    Create(Create),
    /// List all tokens, revoked ones too. Nothing of their secrets is known any more.
    List(DatabaseArgs),
    /// Revoke a token. Within ten seconds no process lets it in any more.
    Revoke(Revoke),
}

#[derive(Debug, Args)]
struct Create {
    /// A name to list and revoke it by: up to 64 letters, digits, `_`, `.` and `-`.
    #[arg(value_parser = name)]
    name: String,
    /// What it may do.
    #[arg(long)]
    scope: ScopeArg,
    /// Requests per second to one process that are not publishes (default: the deployment's
    /// API_RATE_LIMIT_PER_SECOND).
    #[arg(long, value_name = "N")]
    rate_limit: Option<NonZeroU32>,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, Args)]
struct Revoke {
    /// Its name.
    name: String,
    #[command(flatten)]
    confirm: ConfirmArgs,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// A scope as an argument: clap lists the three, each with what it allows.
#[derive(Clone, Debug)]
struct ScopeArg(Scope);

impl ValueEnum for ScopeArg {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self(Scope::Full), Self(Scope::Publish), Self(Scope::Read)]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let help = match self.0 {
            Scope::Full => "everything",
            Scope::Publish => "publish, enqueue and batch, and nothing else",
            Scope::Read => "read everything but the signing keys, and change nothing",
        };
        Some(PossibleValue::new(self.0.as_str()).help(help))
    }
}

impl Tokens {
    pub(crate) async fn run(self) -> Result<()> {
        match self.action {
            Action::Create(create) => create.run().await,
            Action::List(database) => list(&database).await,
            Action::Revoke(revoke) => revoke.run().await,
        }
    }
}

impl Create {
    async fn run(self) -> Result<()> {
        let Self { name, scope: ScopeArg(scope), rate_limit, database } = self;
        let token = api_tokens::generate();
        let (hash, grant) = (TokenHash::of(token.as_bytes()), Grant { scope, rate_limit });
        let created = api_tokens::create(&mut *connect(&database).await?, &name, hash, grant).await.context(SCHEMA)?;
        ensure!(created, "there is a token named {name:?} already; revoke it first, or choose another name");

        // Apart from the token, so that `$(sigpost tokens create ...)` is the token.
        eprintln!("This is the only time that the token is shown:");
        let described = json!({ "name": name, "scope": scope.as_str(), "rateLimit": rate_limit, "token": token });
        output::print(database.json, &described, || token.clone())
    }
}

async fn list(database: &DatabaseArgs) -> Result<()> {
    let tokens = api_tokens::list(&mut *connect(database).await?).await.context(SCHEMA)?;
    let described: Vec<Value> = tokens.iter().map(description).collect();
    output::print(database.json, &described, || match tokens.len() {
        0 => "no tokens besides QSTASH_TOKEN".into(),
        _ => tokens.iter().map(line).collect::<Vec<_>>().join("\n"),
    })
}

impl Revoke {
    async fn run(self) -> Result<()> {
        let Self { name, confirm, database } = self;
        confirm.confirm(&format!("Revoke the token {name}?"))?;
        let revoked = api_tokens::revoke(&mut *connect(&database).await?, &name).await.context(SCHEMA)?;
        ensure!(revoked, "no token in use is named {name:?}; `sigpost tokens list` shows them all");
        output::print(database.json, &json!({ "revoked": name }), || {
            format!("revoked {name}; within ten seconds no process lets it in any more")
        })
    }
}

async fn connect(database: &DatabaseArgs) -> Result<Connection> {
    database.open()?.connection().await.context("DATABASE_URL")
}

fn description(token: &ApiToken) -> Value {
    json!({
        "name": token.name,
        "scope": token.scope.as_str(),
        "rateLimit": token.rate_limit,
        "createdAt": token.created_at.to_string(),
        "revokedAt": token.revoked_at.map(|time| time.to_string()),
    })
}

fn line(token: &ApiToken) -> String {
    let limit = token.rate_limit.map(|limit| format!("  {limit} requests per second")).unwrap_or_default();
    let revoked = token.revoked_at.map(|time| format!("  revoked {time:.0}")).unwrap_or_default();
    format!("{:<20} {:<8} created {:.0}{limit}{revoked}", token.name, token.scope, token.created_at)
}

/// The same as the table's check, said in words.
fn name(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    match (1..=64).contains(&text.len()) && text.chars().all(plain) {
        true => Ok(text.to_owned()),
        false => Err("a name is 1 to 64 letters, digits, `_`, `.` and `-`".into()),
    }
}
