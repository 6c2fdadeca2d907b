//! The admin token: what it has to be, and what becomes of wrong ones.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use sigpost_qstash::DEV_TOKEN;
use sigpost_runtime::settings::bearer;
use subtle::ConstantTimeEq;

/// Characters of a token at least. What keeps it from being guessed is its length, not how often somebody
/// may try: a limit that holds up guessing would hold up the operator, too.
const SHORTEST: usize = 32;
/// So many wrong tokens in a period are each answered as such, and are each in the log.
const WRONG_AT_ONCE: u32 = 10;
const PERIOD: Duration = Duration::from_secs(60);

/// Who knows it may see and do everything. Clones count wrong ones together; `Debug` is left out.
#[derive(Clone)]
pub struct AdminToken(Arc<Inner>);

struct Inner {
    /// SHA-256 of the token.
    hash: [u8; 32],
    session_key: [u8; 32],
    wrong: Mutex<Wrong>,
    refused: AtomicU64,
}

/// Wrong tokens in the period that has begun.
#[derive(Default)]
struct Wrong {
    ends: Option<Instant>,
    count: u32,
}

/// Somebody does not know the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The token is wrong.
    Wrong,
    /// So were too many others; in so long they are answered again. The right one is let in meanwhile.
    TooMany(Duration),
}

impl AdminToken {
    /// This one.
    ///
    /// # Errors
    ///
    /// It can be guessed, or anybody knows it.
    pub fn new(token: &str) -> Result<Self> {
        ensure!(token != DEV_TOKEN, "ADMIN_TOKEN is QStash's public development token, which anybody knows");
        let length = token.chars().count();
        ensure!(length >= SHORTEST, "ADMIN_TOKEN has {length} characters: use at least {SHORTEST}");
        Ok(Self::of(&bearer("ADMIN_TOKEN", token)?))
    }

    /// The one of `sigpost dev`, which anybody knows.
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
            refused: AtomicU64::new(0),
        }))
    }

    /// Whether this is it: compared as hashes, in constant time whatever the length.
    pub(crate) fn check(&self, given: &[u8]) -> Result<(), Refused> {
        if Sha256::digest(given).as_slice().ct_eq(&self.0.hash).into() {
            return Ok(());
        }
        self.0.refused.fetch_add(1, Ordering::Relaxed);
        Err(self.0.wrong.lock().unwrap_or_else(PoisonError::into_inner).count(Instant::now()))
    }

    /// How many wrong ones there were since the start of the process.
    pub(crate) fn refused(&self) -> u64 {
        self.0.refused.load(Ordering::Relaxed)
    }

    /// What sessions are signed with: another token has another one.
    pub(crate) fn session_key(&self) -> &[u8; 32] {
        &self.0.session_key
    }
}

impl Wrong {
    /// Counts one more, and says so in the log; of those that are too many only the first.
    fn count(&mut self, now: Instant) -> Refused {
        let ends = match self.ends {
            Some(ends) if now < ends => ends,
            _ => {
                self.count = 0;
                *self.ends.insert(now + PERIOD)
            }
        };
        self.count = self.count.saturating_add(1);
        if self.count <= WRONG_AT_ONCE {
            tracing::warn!("somebody gave a wrong admin token");
            return Refused::Wrong;
        }
        if self.count == WRONG_AT_ONCE + 1 {
            tracing::warn!("more than {WRONG_AT_ONCE} wrong admin tokens in {PERIOD:?}: the others are not logged");
        }
        Refused::TooMany(ends - now)
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
            assert_eq!(token.check(wrong.as_bytes()), Err(Refused::Wrong), "{wrong}");
        }
        assert_eq!(token.refused(), 3);
    }

    #[test]
    fn wrong_tokens_are_refused_until_their_period_is_over_and_the_right_one_never() {
        let (mut wrong, start) = (Wrong::default(), Instant::now());
        let mut count = |after_s| wrong.count(start + Duration::from_secs(after_s));
        for second in 0..10 {
            assert_eq!(count(second), Refused::Wrong);
        }
        assert_eq!(count(10), Refused::TooMany(Duration::from_secs(50)));
        assert_eq!(count(59), Refused::TooMany(Duration::from_secs(1)));
        assert_eq!(count(60), Refused::Wrong);

        let token = AdminToken::dev();
        for _ in 0..20 {
            assert!(token.clone().check(b"wrong").is_err());
        }
        assert!(matches!(token.check(b"wrong"), Err(Refused::TooMany(_))));
        assert_eq!(token.check(DEV_TOKEN.as_bytes()), Ok(()));
    }
}
