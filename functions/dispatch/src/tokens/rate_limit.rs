//! Rate limits of tokens in requests per second. Each process counts separately: with three processes behind one address,
//! a token gets up to three times its limit.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::HeaderValue;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use sigpost_runtime::ApiError;
use sigpost_runtime::api_error::whole_seconds;
use sigpost_store::api_tokens::TokenHash;
use tokio::time::Instant;

/// The limits of all tokens.
pub(crate) struct RateLimits {
    /// For tokens without their own limit; `None` is no limit.
    default: Option<NonZeroU32>,
    buckets: Mutex<HashMap<TokenHash, Bucket>>,
}

/// A request over the limit, which gets 429.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OverLimit {
    per_second: NonZeroU32,
    wait: Duration,
}

impl RateLimits {
    pub(crate) fn new(default: Option<NonZeroU32>) -> Self {
        Self { default, buckets: Mutex::default() }
    }

    /// Counts a request of the token with this hash, against its own limit or the default.
    pub(crate) fn count(&self, hash: TokenHash, own: Option<NonZeroU32>, now: Instant) -> Result<(), OverLimit> {
        let Some(per_second) = own.or(self.default) else { return Ok(()) };
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        // A full bucket carries no information, so unused tokens need no memory.
        if !buckets.contains_key(&hash) {
            buckets.retain(|_, bucket| bucket.full_at > now);
        }
        let bucket = buckets.entry(hash).or_insert(Bucket { full_at: now });
        bucket.take(per_second, now).map_err(|wait| OverLimit { per_second, wait })
    }
}

/// A token bucket with the capacity of one second, stored as the time at which it will be full. Each request moves that
/// time by its share of a second.
#[derive(Clone, Copy)]
struct Bucket {
    full_at: Instant,
}

impl Bucket {
    /// Takes one token, or returns the time until one is available.
    fn take(&mut self, per_second: NonZeroU32, now: Instant) -> Result<(), Duration> {
        const WHOLE: Duration = Duration::from_secs(1);
        let full_at = self.full_at.max(now) + WHOLE / per_second.get();
        let wait = full_at.saturating_duration_since(now + WHOLE);
        if wait.is_zero() {
            self.full_at = full_at;
            return Ok(());
        }
        Err(wait)
    }
}

impl IntoResponse for OverLimit {
    /// With the headers of QStash's burst limit (`Burst-RateLimit-Reset` is in seconds since 1970).
    /// Never `RateLimit-Limit`: the SDKs take that for the daily quota.
    fn into_response(self) -> Response {
        let text = format!(
            "this token may make {} requests per second; publish, enqueue and batch are not counted",
            self.per_second
        );
        let mut response = ApiError::too_many(text, self.wait).into_response();
        let now = Duration::from_millis(Timestamp::now().as_millisecond().unsigned_abs());
        for (name, value) in [
            ("burst-ratelimit-limit", u64::from(self.per_second.get())),
            ("burst-ratelimit-remaining", 0),
            ("burst-ratelimit-reset", whole_seconds(now + self.wait)),
        ] {
            response.headers_mut().insert(name, HeaderValue::from(value));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use sigpost_store::api_tokens::TokenHash;
    use tokio::time::Instant;

    use super::RateLimits;

    fn limit(per_second: u32) -> Option<NonZeroU32> {
        NonZeroU32::new(per_second)
    }

    #[test]
    fn a_second_s_worth_may_come_at_once_and_then_one_at_a_time() {
        let (token, start) = (TokenHash::of(b"a"), Instant::now());
        for per_second in [1, 3, 7, 1000] {
            let limits = RateLimits::new(limit(per_second));
            let count = |after| limits.count(token, None, start + after);
            let share = Duration::from_secs(1) / per_second;
            for _ in 0..per_second {
                assert!(count(Duration::ZERO).is_ok());
            }
            let rejected = count(Duration::ZERO).expect_err("over the limit");
            assert!(rejected.wait <= share && rejected.wait > share / 2, "{rejected:?}");
            assert!(count(rejected.wait - Duration::from_nanos(1)).is_err());
            assert!(count(rejected.wait).is_ok());
            assert!(count(rejected.wait).is_err());

            let later = Duration::from_secs(3600);
            let at_once = (0..2 * per_second).filter(|_| count(later).is_ok()).count();
            assert_eq!(at_once, per_second as usize, "an hour's rest saves up no more than a second's worth");
        }
    }

    #[test]
    fn tokens_are_counted_apart_and_their_own_limit_counts_before_the_default() {
        let (limits, now) = (RateLimits::new(limit(1)), Instant::now());
        let (one, other) = (TokenHash::of(b"one"), TokenHash::of(b"other"));
        assert!(limits.count(one, None, now).is_ok());
        assert!(limits.count(one, None, now).is_err());
        assert!(limits.count(other, limit(2), now).is_ok());
        assert!(limits.count(other, limit(2), now).is_ok());
        assert!(limits.count(other, limit(2), now).is_err());

        let unlimited = RateLimits::new(None);
        assert!((0..10_000).all(|_| unlimited.count(one, None, now).is_ok()));
    }

    #[test]
    fn tokens_that_are_not_used_take_no_room() {
        let (limits, now) = (RateLimits::new(limit(1)), Instant::now());
        for number in 0..100_u32 {
            let then = now + Duration::from_secs(2) * number;
            assert!(limits.count(TokenHash::of(&number.to_be_bytes()), None, then).is_ok());
        }
        assert_eq!(limits.buckets.lock().expect("lock").len(), 1);
    }
}
