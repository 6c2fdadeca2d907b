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

const SCHEMA: &str = "the tokens cannot be read; is the schema applied (`sigpost migrate`)?";

/// Create, list and revoke API tokens in addition to QSTASH_TOKEN.
#[derive(Debug, Args)]
pub(crate) struct Tokens {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Create a token and print it once. The database stores only its hash.
    Create(Create),
    /// List all tokens, including revoked ones, without their secrets.
    List(DatabaseArgs),
    /// Revoke a token. All processes reject it within ten seconds.
    Revoke(Revoke),
}

#[derive(Debug, Args)]
struct Create {
    /// Name of the token: up to 64 letters, digits, `_`, `.` and `-`.
    #[arg(value_parser = name)]
    name: String,
    /// Permissions of the token.
    #[arg(long)]
    scope: ScopeArg,
    /// Maximum requests per second to each process, without publishes (default: API_RATE_LIMIT_PER_SECOND of the
    /// deployment).
    #[arg(long, value_name = "N")]
    rate_limit: Option<NonZeroU32>,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, Args)]
struct Revoke {
    /// Name of the token.
    name: String,
    #[command(flatten)]
    confirm: ConfirmArgs,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// A scope argument. clap lists the scopes with their descriptions.
#[derive(Clone, Debug)]
struct ScopeArg(Scope);

impl ValueEnum for ScopeArg {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self(Scope::Full), Self(Scope::Publish), Self(Scope::Read)]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let help = match self.0 {
            Scope::Full => "all requests",
            Scope::Publish => "publish, enqueue and batch requests only",
            Scope::Read => "read requests only, except for the signing keys",
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
        ensure!(created, "a token named {name:?} already exists; revoke it first, or choose another name");

        // On stderr, so that `$(sigpost tokens create ...)` is the token only.
        eprintln!("Save the token now. It is not shown again:");
        let described = json!({ "name": name, "scope": scope.as_str(), "rateLimit": rate_limit, "token": token });
        output::print(database.json, &described, || token.clone())
    }
}

async fn list(database: &DatabaseArgs) -> Result<()> {
    let tokens = api_tokens::list(&mut *connect(database).await?).await.context(SCHEMA)?;
    let described: Vec<Value> = tokens.iter().map(description).collect();
    output::print(database.json, &described, || match tokens.len() {
        0 => "no tokens except QSTASH_TOKEN".into(),
        _ => tokens.iter().map(line).collect::<Vec<_>>().join("\n"),
    })
}

impl Revoke {
    async fn run(self) -> Result<()> {
        let Self { name, confirm, database } = self;
        confirm.confirm(&format!("Revoke the token {name}?"))?;
        let revoked = api_tokens::revoke(&mut *connect(&database).await?, &name).await.context(SCHEMA)?;
        ensure!(revoked, "no active token is named {name:?}; `sigpost tokens list` lists all tokens");
        output::print(database.json, &json!({ "revoked": name }), || {
            format!("revoked {name}; all processes reject it within ten seconds")
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

/// Validates a name like the check constraint of the table.
fn name(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    match (1..=64).contains(&text.len()) && text.chars().all(plain) {
        true => Ok(text.to_owned()),
        false => Err("expected 1 to 64 letters, digits, `_`, `.` and `-`".into()),
    }
}
