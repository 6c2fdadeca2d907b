//! Tokens of the API by name, besides the deployment's own. The table holds their hashes only.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use diesel::dsl::now;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::Error;
use crate::schema::api_tokens;

/// What a token's text begins with, so that scanners for leaked secrets can find it.
const PREFIX: &str = "sgp_";
/// Random bytes in a token.
const RANDOM_BYTES: usize = 32;
/// The longest base58 text of that many bytes: `ceil(32 * ln 256 / ln 58)` characters.
const RANDOM_CHARS: usize = 44;

/// What a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    Full,
    /// Publish, enqueue and batch, and nothing else: not even see what it has published.
    Publish,
    /// Read everything but the signing keys, and change nothing.
    Read,
}

/// A text that is the name of no scope.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("a scope is full, publish or read")]
pub struct UnknownScope;

impl Scope {
    /// As in the database, in answers and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Publish => "publish",
            Self::Read => "read",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        [Self::Full, Self::Publish, Self::Read].into_iter().find(|scope| scope.as_str() == text).ok_or(UnknownScope)
    }
}

/// The hash a token is kept and looked up by.
///
/// Plain SHA-256, with neither salt nor stretching: those protect secrets that somebody could guess,
/// and nobody guesses 256 random bits. So a token is found by its hash, and checking it costs nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TokenHash(pub [u8; 32]);

impl TokenHash {
    /// The hash of a token's text.
    pub fn of(token: &[u8]) -> Self {
        Self(Sha256::digest(token).into())
    }
}

/// A fresh token's text: `sgp_` and 256 random bits in base58. It is shown once and kept nowhere.
pub fn generate() -> String {
    format!("{PREFIX}{}", bs58::encode(rand::random::<[u8; RANDOM_BYTES]>()).into_string())
}

/// Whether [`generate`] could have made this text. Any other need not be looked for.
pub fn is_well_formed(token: &[u8]) -> bool {
    let Some(random) = token.strip_prefix(PREFIX.as_bytes()).filter(|random| random.len() <= RANDOM_CHARS) else {
        return false;
    };
    bs58::decode(random).into_vec().is_ok_and(|bytes| bytes.len() == RANDOM_BYTES)
}

/// A token as it is listed.
#[derive(Clone, Debug)]
pub struct ApiToken {
    /// Of all tokens that are not revoked, one has it.
    pub name: String,
    /// What it may do.
    pub scope: Scope,
    /// Requests per second and process; `None` means the deployment's default.
    pub rate_limit: Option<NonZeroU32>,
    /// Since when it lets in.
    pub created_at: Timestamp,
    /// Since when it no longer does; `None` while it does.
    pub revoked_at: Option<Timestamp>,
}

/// What a token that is not revoked entitles to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// What it may do.
    pub scope: Scope,
    /// Requests per second and process; `None` means the deployment's default.
    pub rate_limit: Option<NonZeroU32>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = api_tokens, check_for_backend(diesel::pg::Pg))]
struct Row {
    name: String,
    scope: String,
    rate_limit: Option<i32>,
    created_at: jiff_diesel::Timestamp,
    revoked_at: jiff_diesel::NullableTimestamp,
}

impl From<Row> for ApiToken {
    fn from(row: Row) -> Self {
        Self {
            name: row.name,
            scope: scope_of(&row.scope),
            rate_limit: row.rate_limit.and_then(limit_of),
            created_at: row.created_at.to_jiff(),
            revoked_at: row.revoked_at.to_jiff(),
        }
    }
}

/// A check allows no other than ours. One of a later release counts as the one that changes nothing.
fn scope_of(label: &str) -> Scope {
    label.parse().unwrap_or(Scope::Read)
}

fn limit_of(per_second: i32) -> Option<NonZeroU32> {
    NonZeroU32::new(per_second.unsigned_abs())
}

/// Keeps a token by its hash. `false`: there is one of that name that is not revoked, and nothing was kept.
pub async fn create(conn: &mut AsyncPgConnection, name: &str, hash: TokenHash, grant: Grant) -> Result<bool, Error> {
    let per_second = grant.rate_limit.map(|limit| i32::try_from(limit.get()).unwrap_or(i32::MAX));
    let created = diesel::insert_into(api_tokens::table)
        .values((
            api_tokens::name.eq(name),
            api_tokens::hash.eq(&hash.0[..]),
            api_tokens::scope.eq(grant.scope.as_str()),
            api_tokens::rate_limit.eq(per_second),
        ))
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    Ok(created == 1)
}

/// Every token there ever was, oldest first.
pub async fn list(conn: &mut AsyncPgConnection) -> Result<Vec<ApiToken>, Error> {
    let rows: Vec<Row> = api_tokens::table.select(Row::as_select()).order(api_tokens::id).load(conn).await?;
    Ok(rows.into_iter().map(ApiToken::from).collect())
}

/// Revokes the token of this name. `false`: there is none that is not revoked already.
pub async fn revoke(conn: &mut AsyncPgConnection, name: &str) -> Result<bool, Error> {
    let live = api_tokens::table.filter(api_tokens::name.eq(name).and(api_tokens::revoked_at.is_null()));
    Ok(diesel::update(live).set(api_tokens::revoked_at.eq(now)).execute(conn).await? == 1)
}

/// What the token with this hash entitles to; `None` when there is none or it is revoked.
pub async fn find_live(conn: &mut AsyncPgConnection, hash: TokenHash) -> Result<Option<Grant>, Error> {
    let row: Option<(String, Option<i32>)> = api_tokens::table
        .filter(api_tokens::hash.eq(&hash.0[..]).and(api_tokens::revoked_at.is_null()))
        .select((api_tokens::scope, api_tokens::rate_limit))
        .first(conn)
        .await
        .optional()?;
    Ok(row.map(|(scope, limit)| Grant { scope: scope_of(&scope), rate_limit: limit.and_then(limit_of) }))
}

#[cfg(test)]
mod tests {
    use super::{generate, is_well_formed};

    #[test]
    fn only_a_text_of_our_making_is_looked_for() {
        let token = generate();
        assert!(is_well_formed(token.as_bytes()));
        assert_ne!(token, generate());
        let zeros = format!("sgp_{}", "1".repeat(32));
        assert!(is_well_formed(zeros.as_bytes()));
        for other in
            ["", "sgp_", "sgp_1", &token[4..], &token[..40], &format!("{token}1"), &token.replace("sgp_", "sig_")]
        {
            assert!(!is_well_formed(other.as_bytes()), "{other}");
        }
        assert!(!is_well_formed(format!("sgp_{}", "0".repeat(44)).as_bytes()), "not of base58");
    }
}
