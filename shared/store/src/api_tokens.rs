//! Named API tokens, besides the deployment's own. The table holds only their hashes.

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

/// The prefix of every token, by which scanners find leaked secrets.
const PREFIX: &str = "sgp_";
/// Random bytes in a token.
const RANDOM_BYTES: usize = 32;
/// The longest base58 text of that many bytes: `ceil(32 * ln 256 / ln 58)` characters.
const RANDOM_CHARS: usize = 44;

/// The permissions of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    Full,
    /// Publish, enqueue and batch only: not even read the published messages.
    Publish,
    /// Read everything except the signing keys, and change nothing.
    Read,
}

/// The text is not the name of a scope.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("invalid scope, expected full, publish or read")]
pub struct UnknownScope;

impl Scope {
    /// Returns the name as in the database, the API and the command line.
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

/// The hash by which a token is stored and looked up.
///
/// Plain SHA-256 without salt or stretching: those protect secrets that can be guessed, which 256 random bits cannot.
/// So a lookup by hash suffices, at no cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TokenHash(pub [u8; 32]);

impl TokenHash {
    /// Returns the hash of a token.
    pub fn of(token: &[u8]) -> Self {
        Self(Sha256::digest(token).into())
    }
}

/// Generates a token: `sgp_` and 256 random bits in base58. It is shown once and never stored.
pub fn generate() -> String {
    format!("{PREFIX}{}", bs58::encode(rand::random::<[u8; RANDOM_BYTES]>()).into_string())
}

/// Returns whether the text has the form of a token. Other texts need no lookup.
pub fn is_well_formed(token: &[u8]) -> bool {
    let Some(random) = token.strip_prefix(PREFIX.as_bytes()).filter(|random| random.len() <= RANDOM_CHARS) else {
        return false;
    };
    bs58::decode(random).into_vec().is_ok_and(|bytes| bytes.len() == RANDOM_BYTES)
}

/// A token in a list.
#[derive(Clone, Debug)]
pub struct ApiToken {
    /// The name. Unique among tokens that are not revoked.
    pub name: String,
    /// The permissions.
    pub scope: Scope,
    /// Requests per second and process; `None` means the deployment's default.
    pub rate_limit: Option<NonZeroU32>,
    /// Creation time.
    pub created_at: Timestamp,
    /// Revocation time; `None` while the token is valid.
    pub revoked_at: Option<Timestamp>,
}

/// The rights of a valid token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The permissions.
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

/// Parses a scope, which a check constraint restricts. A scope of a later release counts as read-only.
fn scope_of(label: &str) -> Scope {
    label.parse().unwrap_or(Scope::Read)
}

fn limit_of(per_second: i32) -> Option<NonZeroU32> {
    NonZeroU32::new(per_second.unsigned_abs())
}

/// Inserts a token by its hash. Returns `false`, without an insert, if a valid token of this name exists.
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

/// Returns all tokens, including revoked ones, oldest first.
pub async fn list(conn: &mut AsyncPgConnection) -> Result<Vec<ApiToken>, Error> {
    let rows: Vec<Row> = api_tokens::table.select(Row::as_select()).order(api_tokens::id).load(conn).await?;
    Ok(rows.into_iter().map(ApiToken::from).collect())
}

/// Revokes the token of this name. Returns `false` if there is no valid one.
pub async fn revoke(conn: &mut AsyncPgConnection, name: &str) -> Result<bool, Error> {
    let live = api_tokens::table.filter(api_tokens::name.eq(name).and(api_tokens::revoked_at.is_null()));
    Ok(diesel::update(live).set(api_tokens::revoked_at.eq(now)).execute(conn).await? == 1)
}

/// Returns the rights of the token with this hash; `None` if it is unknown or revoked.
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
