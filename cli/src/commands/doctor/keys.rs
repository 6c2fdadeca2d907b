//! Signing keys and tokens.

use anyhow::Result;
use sigpost_health::Rules;
use sigpost_health::checks::KEYS_OLD;
use sigpost_qstash::{DEV_TOKEN, SigningKeys};
use sigpost_runtime::env;
use sigpost_runtime::settings::{ADMIN_TOKEN, QSTASH_CURRENT_SIGNING_KEY, QSTASH_NEXT_SIGNING_KEY};
use sigpost_store::diagnosis::keys::{self, Token};
use sigpost_store::signing_keys as stored;

use super::finding::{Finding, lasting};
use super::subject::Subject;

const DAY_S: f64 = 86_400.0;
/// Age at which a named token should be replaced.
const YEAR_S: f64 = 365.0 * DAY_S;
/// A key of HMAC-SHA256 should not be shorter than its output (RFC 2104, section 3).
const SHORTEST_KEY_BYTES: usize = 32;
const SHORTEST_TOKEN_BYTES: usize = 16;
const ROTATE: &str = "rotate twice: POST /v2/keys/rotate, give handlers the new pair, and repeat";

pub(super) async fn signing_keys(subject: &Subject) -> Result<Finding> {
    Ok(judge_keys(stored::find(&mut *subject.session().await?).await?.as_ref()))
}

fn judge_keys(keys: Option<&SigningKeys>) -> Finding {
    let Some(keys) = keys else {
        return Finding::warned("none", "the first start of `serve` creates them", "start `sigpost serve`");
    };
    let shortest = keys.current.len().min(keys.next.len());
    let figure = format!("two keys of at least {shortest} bytes");
    if keys.is_dev() {
        let reason = "one of them is QStash's public development key: signatures can be forged";
        return Finding::failed(figure, reason, ROTATE);
    }
    if keys.current == keys.next {
        return Finding::failed(figure, "both are equal: handlers reject every delivery after a rotation", ROTATE);
    }
    if shortest < SHORTEST_KEY_BYTES {
        return Finding::failed(figure, "keys below 32 bytes can be found by brute force from one signature", ROTATE);
    }
    Finding::passed(figure)
}

pub(super) async fn key_age(subject: &Subject) -> Result<Finding> {
    Ok(judge_age(keys::age(&mut *subject.session().await?).await?.rotated_s, &subject.rules))
}

fn judge_age(rotated_s: Option<f64>, rules: &Rules) -> Finding {
    let Some(age_s) = rotated_s else { return Finding::skipped("there are no signing keys") };
    let figure = format!("{} since the last rotation", lasting(age_s));
    let fix = "rotate once a year: POST /v2/keys/rotate, then give handlers the new pair";
    Finding::at(rules.level(&KEYS_OLD, age_s / DAY_S), figure, KEYS_OLD.sentence, fix)
}

pub(super) async fn key_settings(subject: &Subject) -> Result<Finding> {
    let given = env::var(QSTASH_CURRENT_SIGNING_KEY)?.zip(env::var(QSTASH_NEXT_SIGNING_KEY)?);
    let given = given.map(|(current, next)| SigningKeys { current, next });
    Ok(judge_given(given.as_ref(), stored::find(&mut *subject.session().await?).await?.as_ref()))
}

fn judge_given(given: Option<&SigningKeys>, stored: Option<&SigningKeys>) -> Finding {
    let (Some(given), Some(stored)) = (given, stored) else {
        return Finding::skipped("there are no keys in the environment, or none in the database");
    };
    let fix = "set the pair of GET /v2/keys in the environment, where handlers read it";
    if given == stored {
        return Finding::passed("equal");
    }
    if given.current == stored.current || given.next == stored.current {
        let reason = "handlers with these keys reject every delivery after the next rotation";
        return Finding::warned("the database has newer keys after a rotation", reason, fix);
    }
    let reason = "handlers with these keys reject every delivery; sigpost signs with the keys in the database";
    Finding::failed("different from the database", reason, fix)
}

pub(super) async fn api_token(subject: &Subject) -> Result<Finding> {
    Ok(judge_token(&subject.config.token.0))
}

fn judge_token(token: &str) -> Finding {
    let fix = "create one with `openssl rand -hex 32`, and set QSTASH_TOKEN for publishers and for sigpost";
    let figure = format!("{} characters", token.chars().count());
    match token {
        "" => Finding::failed("none", "QSTASH_TOKEN is not set", fix),
        DEV_TOKEN => Finding::failed(figure, "it is QStash's public development token", fix),
        _ if token.len() < SHORTEST_TOKEN_BYTES => Finding::warned(figure, "it can be guessed", fix),
        _ => Finding::passed(figure),
    }
}

pub(super) async fn admin_token(subject: &Subject) -> Result<Finding> {
    if subject.in_lambda() {
        return Ok(Finding::skipped("the admin API is a separate function with its own settings"));
    }
    Ok(judge_admin_token(env::var(ADMIN_TOKEN)?.as_deref(), &subject.config.token.0))
}

fn judge_admin_token(admin: Option<&str>, api: &str) -> Finding {
    let fix = "create one with `openssl rand -hex 32`, and set ADMIN_TOKEN";
    let Some(token) = admin else {
        return Finding::warned("none", "there is no admin API to monitor job health", fix);
    };
    let figure = format!("{} characters", token.chars().count());
    match admin::AdminToken::new(token) {
        Err(why) => Finding::failed(figure, why.to_string(), fix),
        Ok(_) if token == api => {
            Finding::warned(figure, "it equals QSTASH_TOKEN: every publisher has access to the admin API", fix)
        }
        Ok(_) => Finding::passed(figure),
    }
}

pub(super) async fn named_tokens(subject: &Subject) -> Result<Finding> {
    Ok(judge_named(&keys::tokens(&mut *subject.session().await?).await?))
}

fn judge_named(tokens: &[Token]) -> Finding {
    let full = tokens.iter().filter(|token| token.scope == "full").count();
    let figure = format!("{} named, {full} of them with full scope", tokens.len());
    let old: Vec<&str> = tokens.iter().filter(|token| token.age_s > YEAR_S).map(|token| token.name.as_str()).collect();
    match old[..] {
        [] => Finding::passed(figure),
        _ => Finding::warned(
            figure,
            format!("older than a year: {}", old.join(", ")),
            "create new ones (`sigpost tokens create`), then revoke the old ones (`sigpost tokens revoke`)",
        ),
    }
}

pub(super) async fn rate_limit(subject: &Subject) -> Result<Finding> {
    let tokens = keys::tokens(&mut *subject.session().await?).await?;
    let limit = subject.config.api_rate_limit.map(std::num::NonZeroU32::get);
    Ok(judge_rate_limit(limit, &tokens))
}

fn judge_rate_limit(limit: Option<u32>, tokens: &[Token]) -> Finding {
    if let Some(limit) = limit {
        return Finding::passed(format!("{limit} requests per second for each token and process"));
    }
    let limited = tokens.iter().filter(|token| token.limited).count();
    let figure = format!("no default; {limited} of {} named tokens have a limit", tokens.len());
    Finding::warned(
        figure,
        "one client can overload the API; publishes are limited only by the memory for their bodies",
        "set API_RATE_LIMIT_PER_SECOND; limit deliveries with queues and flow control",
    )
}

#[cfg(test)]
mod tests {
    use super::super::finding::State::{Failed, Passed, Skipped, Warned};
    use super::*;

    fn pair(current: &str, next: &str) -> SigningKeys {
        SigningKeys { current: current.into(), next: next.into() }
    }

    #[test]
    fn keys_must_be_long_different_and_ones_own() {
        let (a, b) = ("a".repeat(32), "b".repeat(32));
        for (keys, expected) in [
            (None, Warned),
            (Some(pair(&a, &b)), Passed),
            (Some(pair(&a[1..], &b)), Failed),
            (Some(pair(&a, &a)), Failed),
            (Some(SigningKeys::dev()), Failed),
            (Some(SigningKeys::dev().rotate()), Failed),
        ] {
            assert_eq!(judge_keys(keys.as_ref()).state, expected);
        }
        let rules = Rules::default();
        assert_eq!(judge_age(None, &rules).state, Skipped);
        assert_eq!(judge_age(Some(YEAR_S - 1.0), &rules).state, Passed);
        assert_eq!(judge_age(Some(YEAR_S), &rules).state, Warned);
    }

    #[test]
    fn keys_of_the_environment_may_lag_behind_by_one_rotation() {
        let given = SigningKeys::generate();
        let once = given.rotate();
        for (stored, expected) in [
            (None, Skipped),
            (Some(given.clone()), Passed),
            (Some(once.clone()), Warned),
            (Some(once.rotate()), Failed),
        ] {
            assert_eq!(judge_given(Some(&given), stored.as_ref()).state, expected);
        }
        assert_eq!(judge_given(None, Some(&given)).state, Skipped);
    }

    #[test]
    fn tokens_must_be_long_and_apart() {
        let long = "0123456789abcdef";
        for (token, expected) in [("", Failed), (DEV_TOKEN, Failed), (&long[1..], Warned), (long, Passed)] {
            assert_eq!(judge_token(token).state, expected, "{token}");
        }
        let longer = long.repeat(2);
        for (admin, api, expected) in [
            (None, "api", Warned),
            (Some(DEV_TOKEN), "api", Failed),
            (Some(long), "api", Failed),
            (Some(&longer), "api", Passed),
            (Some(&longer), &longer, Warned),
        ] {
            assert_eq!(judge_admin_token(admin, api).state, expected, "{admin:?}");
        }
        let token = |age_s| Token { name: "t".into(), scope: "full".into(), limited: true, age_s };
        assert_eq!(judge_named(&[token(YEAR_S)]).state, Passed);
        assert_eq!(judge_named(&[token(YEAR_S + 1.0)]).state, Warned);
        assert_eq!(judge_rate_limit(Some(1), &[]).state, Passed);
        assert_eq!(judge_rate_limit(None, &[token(0.0)]).state, Warned);
    }
}
