//! Rules between settings: one pure function per rule.

use std::time::Duration;

use sigpost_runtime::settings::Problem;
use sigpost_store::url;

use super::Config;

/// Shorter leases are lost by any pause of a process.
const SHORTEST_LEASE: Duration = Duration::from_secs(5);
/// Maximum duration of a Lambda function.
const LONGEST_FUNCTION: Duration = Duration::from_secs(900);
/// Default termination grace period of container platforms.
const USUAL_TERMINATION: Duration = Duration::from_secs(30);
/// Keys of HMAC-SHA256 should not be shorter than its output (RFC 2104, section 3).
const SHORTEST_KEY_BYTES: usize = 32;
/// Minimum length of a token in characters: shorter ones can be guessed.
const SHORTEST_TOKEN: usize = 16;
/// More connections of one process are probably a mistake.
const MOST_CONNECTIONS: usize = 100;

/// The environment of the process.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Surroundings {
    /// Whether this is a function that is frozen between invocations.
    pub(super) visits_only: bool,
    /// `TERMINATION_GRACE_SECONDS`: time between SIGTERM and SIGKILL of the platform.
    pub(super) termination_grace: Option<Duration>,
}

/// Returns the violated rules.
pub(super) fn violated(config: &Config, around: Surroundings) -> Vec<Problem> {
    let rules = [
        amounts_are_positive(config),
        lease_outlasts_a_pause(config).into_iter().collect(),
        attempt_ends_before_its_function(config, around).into_iter().collect(),
        grace_ends_before_the_kill(config, around).into_iter().collect(),
        signing_keys_are_strong(config),
        token_is_strong(config).into_iter().collect(),
        connections_are_few(config).into_iter().collect(),
        database_is_asked_in_secret(config).into_iter().collect(),
        database_notifies(config).into_iter().collect(),
    ];
    rules.into_iter().flatten().collect()
}

fn amounts_are_positive(config: &Config) -> Vec<Problem> {
    let dispatcher = config.dispatcher.as_ref();
    let amounts = [
        ("DATABASE_CONNECTIONS", Some(config.database_connections == 0), ""),
        (
            "MAX_IN_FLIGHT",
            dispatcher.map(|dispatcher| dispatcher.max_in_flight == 0),
            "; to accept messages without delivery, use `serve --no-delivery`",
        ),
        ("LEASE_SECONDS", dispatcher.map(|dispatcher| dispatcher.lease.is_zero()), ""),
        ("LONGEST_ATTEMPT_SECONDS", dispatcher.map(|dispatcher| dispatcher.longest_attempt.is_zero()), ""),
        ("MAX_DISPATCHERS", dispatcher.map(|dispatcher| dispatcher.max_dispatchers == 0), ""),
        ("MAX_BODY_BYTES", Some(config.limits.max_body_bytes == 0), ""),
        (
            "DEDUPLICATION_WINDOW_SECONDS",
            Some(config.deduplicating.window.is_zero()),
            ": a window of 0 disables deduplication IDs",
        ),
    ];
    let zeros = amounts.into_iter().filter(|(_, is_zero, _)| *is_zero == Some(true));
    zeros.map(|(name, _, more)| Problem::error(name, format!("{name} must be at least 1{more}"))).collect()
}

fn lease_outlasts_a_pause(config: &Config) -> Option<Problem> {
    let lease = config.dispatcher.as_ref()?.lease;
    let short = !lease.is_zero() && lease < SHORTEST_LEASE;
    short.then(|| {
        Problem::warning(
            "LEASE_SECONDS",
            format!(
                "LEASE_SECONDS={} is renewed every {:.1} s: a slow commit or a pause of the process loses the lease, \
                 and the message is delivered twice; set at least {}",
                lease.as_secs(),
                lease.as_secs_f64() / 3.0,
                SHORTEST_LEASE.as_secs()
            ),
        )
    })
}

fn attempt_ends_before_its_function(config: &Config, around: Surroundings) -> Option<Problem> {
    let attempt = config.dispatcher.as_ref()?.longest_attempt;
    (around.visits_only && attempt >= LONGEST_FUNCTION).then(|| {
        Problem::warning(
            "LONGEST_ATTEMPT_SECONDS",
            format!(
                "LONGEST_ATTEMPT_SECONDS={} exceeds the maximum duration of a function ({} s), which aborts longer \
                 attempts; set less than the function's timeout",
                attempt.as_secs(),
                LONGEST_FUNCTION.as_secs()
            ),
        )
    })
}

fn grace_ends_before_the_kill(config: &Config, around: Surroundings) -> Option<Problem> {
    let grace = config.dispatcher.as_ref()?.grace;
    let setting = "SHUTDOWN_GRACE_SECONDS";
    match around.termination_grace {
        Some(termination) if grace >= termination => Some(Problem::error(
            setting,
            format!(
                "{setting}={} is not less than TERMINATION_GRACE_SECONDS={}: the platform kills the process during the \
                 grace period; raise the platform's value (terminationGracePeriodSeconds, TimeoutStopSec) or lower this one",
                grace.as_secs(),
                termination.as_secs()
            ),
        )),
        None if !around.visits_only && grace >= USUAL_TERMINATION => Some(Problem::warning(
            setting,
            format!(
                "{setting}={} is longer than the {} s after which container platforms kill a process; raise the platform's \
                 value (terminationGracePeriodSeconds, TimeoutStopSec) and set TERMINATION_GRACE_SECONDS to it",
                grace.as_secs(),
                USUAL_TERMINATION.as_secs()
            ),
        )),
        _ => None,
    }
}

fn signing_keys_are_strong(config: &Config) -> Vec<Problem> {
    let keys = &config.first_keys;
    let short = [("QSTASH_CURRENT_SIGNING_KEY", &keys.current), ("QSTASH_NEXT_SIGNING_KEY", &keys.next)];
    let short = short.into_iter().filter(|(_, key)| key.len() < SHORTEST_KEY_BYTES);
    let text = |name: &str, length: usize| {
        format!(
            "{name} has {length} bytes: use at least {SHORTEST_KEY_BYTES}, or leave both keys unset to generate them"
        )
    };
    short.map(|(name, key)| Problem::error(name, text(name, key.len()))).collect()
}

fn token_is_strong(config: &Config) -> Option<Problem> {
    let length = config.token.0.chars().count();
    (1..SHORTEST_TOKEN).contains(&length).then(|| {
        let text = format!("QSTASH_TOKEN has {length} characters: use at least {SHORTEST_TOKEN}");
        Problem::error("QSTASH_TOKEN", format!("{text}; make one with `openssl rand -hex 32`"))
    })
}

fn connections_are_few(config: &Config) -> Option<Problem> {
    let connections = config.database_connections;
    (connections > MOST_CONNECTIONS).then(|| {
        Problem::warning(
            "DATABASE_CONNECTIONS",
            format!(
                "DATABASE_CONNECTIONS={connections} applies to each process, and a rolling deployment has twice as many \
                 processes; 8 connections are enough for thousands of messages per second"
            ),
        )
    })
}

/// A warning, not an error: unencrypted connections can be intended in a private network.
fn database_is_asked_in_secret(config: &Config) -> Option<Problem> {
    let reached = url::reached(&config.database_url.0).ok()?;
    (reached.never_encrypts && !reached.this_machine).then(|| {
        Problem::warning(
            "DATABASE_URL",
            "DATABASE_URL has sslmode=disable: payloads and passwords are sent unencrypted; set sslmode=require",
        )
    })
}

fn database_notifies(config: &Config) -> Option<Problem> {
    let given = &config.database_url.0;
    if given.is_empty() {
        return None;
    }
    match url::reached(given) {
        Err(why) => Some(Problem::error("DATABASE_URL", format!("DATABASE_URL cannot be read: {why}"))),
        Ok(reached) if reached.pooled => Some(Problem::warning(
            "DATABASE_URL",
            "DATABASE_URL has port 6432, the port of PgBouncer: LISTEN does not work with transaction pooling; set the \
             address of Postgres",
        )),
        Ok(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use sigpost_qstash::{Limits, SigningKeys};
    use sigpost_runtime::AddressPolicy;

    use super::super::Secret;
    use super::*;
    use crate::api::body::BodyBudget;
    use crate::deduplicate::Deduplicating;
    use crate::dispatcher::Settings;

    fn config() -> Config {
        Config {
            database_url: Secret("postgres://u@db.example/d?sslmode=require".into()),
            database_connections: 8,
            token: Secret("0123456789abcdef".into()),
            api_rate_limit: None,
            first_keys: SigningKeys::generate(),
            limits: Limits::default(),
            bodies: BodyBudget::default(),
            address_policy: AddressPolicy::public_only(),
            deduplicating: Deduplicating::default(),
            event_bridge: None,
            dispatcher: Some(Settings::default()),
        }
    }

    /// The settings that are wrong with the change, with `!` for an error.
    fn wrong(around: Surroundings, change: impl FnOnce(&mut Config)) -> Vec<String> {
        let mut config = config();
        change(&mut config);
        let problems = violated(&config, around);
        assert!(problems.iter().all(|problem| problem.text.contains(problem.setting)), "{problems:?}");
        problems.iter().map(|p| format!("{}{}", p.setting, if p.is_error() { "!" } else { "" })).collect()
    }

    fn dispatcher(config: &mut Config) -> &mut Settings {
        config.dispatcher.as_mut().expect("a dispatcher")
    }

    #[test]
    fn defaults_are_in_order() {
        let (nowhere, nothing) = (Surroundings::default(), Vec::<String>::new());
        assert_eq!(wrong(nowhere, |_| ()), nothing);
        assert_eq!(wrong(nowhere, |config| config.dispatcher = None), nothing);
    }

    #[test]
    fn amounts_of_zero_are_errors_all_at_once() {
        let all = wrong(Surroundings::default(), |config| {
            config.database_connections = 0;
            config.limits.max_body_bytes = 0;
            config.deduplicating.window = Duration::ZERO;
            let dispatcher = dispatcher(config);
            (dispatcher.max_in_flight, dispatcher.max_dispatchers) = (0, 0);
            (dispatcher.lease, dispatcher.longest_attempt) = (Duration::ZERO, Duration::ZERO);
        });
        assert_eq!(all.len(), 7);
        assert!(all.iter().all(|setting| setting.ends_with('!')), "{all:?}");
    }

    #[test]
    fn lease_and_attempt_are_judged_at_their_borders() {
        let nowhere = Surroundings::default();
        let seconds = Duration::from_secs;
        for (lease, expected) in [(4, 1), (5, 0), (20, 0)] {
            assert_eq!(wrong(nowhere, |config| dispatcher(config).lease = seconds(lease)).len(), expected, "{lease}");
        }
        let lambda = Surroundings { visits_only: true, ..nowhere };
        for (around, attempt, expected) in [(lambda, 899, 0), (lambda, 900, 1), (nowhere, 7200, 0)] {
            let found = wrong(around, |config| dispatcher(config).longest_attempt = seconds(attempt));
            assert_eq!(found.len(), expected, "{attempt}");
        }
    }

    #[test]
    fn grace_must_end_before_the_platform_kills() {
        let given =
            |seconds| Surroundings { termination_grace: Some(Duration::from_secs(seconds)), ..Surroundings::default() };
        let grace = |around, seconds| wrong(around, |config| dispatcher(config).grace = Duration::from_secs(seconds));
        assert_eq!(grace(given(40), 39), Vec::<String>::new());
        assert_eq!(grace(given(40), 40), ["SHUTDOWN_GRACE_SECONDS!"]);
        assert_eq!(grace(Surroundings::default(), 30), ["SHUTDOWN_GRACE_SECONDS"]);
        assert_eq!(grace(Surroundings::default(), 29), Vec::<String>::new());
        // In Lambda it is the function's timeout that counts.
        let in_lambda = grace(Surroundings { visits_only: true, ..Surroundings::default() }, 60);
        assert!(!in_lambda.iter().any(|setting| setting.starts_with("SHUTDOWN")), "{in_lambda:?}");
    }

    #[test]
    fn keys_and_tokens_must_be_long() {
        let nowhere = Surroundings::default();
        let keys = |length: usize| SigningKeys { current: "c".repeat(length), next: "n".repeat(32) };
        assert_eq!(wrong(nowhere, |config| config.first_keys = keys(31)), ["QSTASH_CURRENT_SIGNING_KEY!"]);
        assert_eq!(wrong(nowhere, |config| config.first_keys = keys(32)), Vec::<String>::new());
        assert_eq!(wrong(nowhere, |config| config.token = Secret("0123456789abcde".into())), ["QSTASH_TOKEN!"]);
        assert_eq!(wrong(nowhere, |config| config.database_connections = 101), ["DATABASE_CONNECTIONS"]);
    }

    #[test]
    fn database_is_judged_by_its_url() {
        for (url, expected) in [
            ("postgres://u:p@db.example/d?sslmode=disable", vec!["DATABASE_URL"]),
            ("postgres://u:p@localhost/d?sslmode=disable", vec![]),
            ("postgres://u:p@db.example:6432/d", vec!["DATABASE_URL"]),
            ("postgres://u:p@db.example/d?pgbouncer=true", vec!["DATABASE_URL!"]),
            ("mysql://u:p@db.example/d", vec!["DATABASE_URL!"]),
            ("", vec![]),
        ] {
            let found = wrong(Surroundings::default(), |config| config.database_url = Secret(url.into()));
            assert_eq!(found, expected, "{url}");
        }
    }
}
