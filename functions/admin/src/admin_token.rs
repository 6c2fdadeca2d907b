//! The admin token: requirements and checks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use sigpost_qstash::DEV_TOKEN;
use sigpost_runtime::settings::bearer;
use subtle::ConstantTimeEq;

/// Minimum length of a token in characters. Its length protects it from guessing, not a rate limit: a rate limit
/// would also lock out the operator.
const SHORTEST: usize = 32;
/// Number of wrong tokens in a period that are logged and get a 401. Further ones get a 429.
const WRONG_AT_ONCE: u32 = 10;
const PERIOD: Duration = Duration::from_secs(60);

/// The admin token, which grants full access. Clones share the count of wrong tokens. It has no `Debug`.
#[derive(Clone)]
pub struct AdminToken(Arc<Inner>);

struct Inner {
    /// SHA-256 of the token.
    hash: [u8; 32],
    session_key: [u8; 32],
    wrong: Mutex<Wrong>,
    rejected: AtomicU64,
}

/// Wrong tokens in the current period.
#[derive(Default)]
struct Wrong {
    ends: Option<Instant>,
    count: u32,
}

/// The token does not match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rejected {
    /// The token is wrong.
    Wrong,
    /// The token is wrong, and so were too many others. The period ends after this time. The right token is still
    /// accepted.
    TooMany(Duration),
}

impl AdminToken {
    /// Creates a token.
    ///
    /// # Errors
    ///
    /// The token is too short, is the public development token, or is not valid in a header.
    pub fn new(token: &str) -> Result<Self> {
        ensure!(token != DEV_TOKEN, "ADMIN_TOKEN is the public development token of QStash; set your own token");
        let length = token.chars().count();
        ensure!(length >= SHORTEST, "ADMIN_TOKEN has {length} characters: use at least {SHORTEST}");
        Ok(Self::of(&bearer("ADMIN_TOKEN", token)?))
    }

    /// Returns the public token of `sigpost dev`.
    pub fn dev() -> Self {
        Self::of(DEV_TOKEN)
    }

    fn of(token: &str) -> Self {
        let session_key = Hmac::<Sha256>::new_from_slice(token.as_bytes())
            .unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"))
            .chain_update("sigpost console");
        Self(Arc::new(Inner {
            hash: Sha256::digest(token).into(),
            session_key: session_key.finalize().into_bytes().into(),
            wrong: Mutex::default(),
            rejected: AtomicU64::new(0),
        }))
    }

    /// Checks a token. Compares hashes in constant time, independent of the length.
    pub(crate) fn check(&self, given: &[u8]) -> Result<(), Rejected> {
        if Sha256::digest(given).as_slice().ct_eq(&self.0.hash).into() {
            return Ok(());
        }
        self.0.rejected.fetch_add(1, Ordering::Relaxed);
        Err(self.0.wrong.lock().unwrap_or_else(PoisonError::into_inner).count(Instant::now()))
    }

    /// Returns the number of wrong tokens since the start of the process.
    pub(crate) fn rejected(&self) -> u64 {
        self.0.rejected.load(Ordering::Relaxed)
    }

    /// Returns the key that signs sessions. It is derived from the token.
    pub(crate) fn session_key(&self) -> &[u8; 32] {
        &self.0.session_key
    }
}

impl Wrong {
    /// Counts a wrong token and logs it. Of the excess tokens of a period, logs only the first.
    fn count(&mut self, now: Instant) -> Rejected {
        let ends = match self.ends {
            Some(ends) if now < ends => ends,
            _ => {
                self.count = 0;
                *self.ends.insert(now + PERIOD)
            }
        };
        self.count = self.count.saturating_add(1);
        if self.count <= WRONG_AT_ONCE {
            tracing::warn!("admin authentication failed: invalid token");
            return Rejected::Wrong;
        }
        if self.count == WRONG_AT_ONCE + 1 {
            tracing::warn!(
                "more than {WRONG_AT_ONCE} failed admin authentications in {PERIOD:?}; further ones are not logged"
            );
        }
        Rejected::TooMany(ends - now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_that_can_be_guessed_is_none() {
        for token in ["", "operator", &"a".repeat(31), DEV_TOKEN] {
            assert!(AdminToken::new(token).is_err(), "{token}");
        }
        assert!(AdminToken::new(&"a".repeat(32)).is_ok());
    }

    #[test]
    fn only_the_whole_token_is_it() {
        let text = "an admin token of 32 characters.";
        let token = AdminToken::new(text).expect("a token");
        assert_eq!(token.check(text.as_bytes()), Ok(()));
        for wrong in ["", &text[1..], "an admin token of 32 characters.."] {
            assert_eq!(token.check(wrong.as_bytes()), Err(Rejected::Wrong), "{wrong}");
        }
        assert_eq!(token.rejected(), 3);
    }

    #[test]
    fn wrong_tokens_are_rejected_until_their_period_is_over_and_the_right_one_never() {
        let (mut wrong, start) = (Wrong::default(), Instant::now());
        let mut count = |after_s| wrong.count(start + Duration::from_secs(after_s));
        for second in 0..10 {
            assert_eq!(count(second), Rejected::Wrong);
        }
        assert_eq!(count(10), Rejected::TooMany(Duration::from_secs(50)));
        assert_eq!(count(59), Rejected::TooMany(Duration::from_secs(1)));
        assert_eq!(count(60), Rejected::Wrong);

        let token = AdminToken::dev();
        for _ in 0..20 {
            assert!(token.clone().check(b"wrong").is_err());
        }
        assert!(matches!(token.check(b"wrong"), Err(Rejected::TooMany(_))));
        assert_eq!(token.check(DEV_TOKEN.as_bytes()), Ok(()));
    }
}
