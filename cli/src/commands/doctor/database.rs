//! The database server and the connection to it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use sigpost_health::Rules;
use sigpost_health::checks::{CLOCK_SKEW, CONNECTIONS, DATABASE_SLOW, QUERY_LONG};
use sigpost_store::diagnosis::notifying;
use sigpost_store::diagnosis::server::{self, Server};
use sigpost_store::url::{self, Reached};

use super::finding::{Finding, lasting};
use super::subject::Subject;
use crate::output::counted;

/// Timeout of a notification.
const NOTIFIED_WITHIN: Duration = Duration::from_secs(2);

pub(super) async fn reachable(subject: &Subject) -> Result<Finding> {
    let fix = "check DATABASE_URL, the firewall, and that the server runs";
    Ok(match subject.round_trip().await {
        Ok(answer) => judge_reachable(subject.connected_in, answer, &subject.rules),
        Err(why) => Finding::failed("no connection", format!("{why:#}"), fix),
    })
}

fn judge_reachable(connecting: Duration, answer: Duration, rules: &Rules) -> Finding {
    let figure = format!("connected in {}, responds in {}", said(connecting), said(answer));
    let level = rules.level(&DATABASE_SLOW, answer.as_secs_f64());
    let fix = "run sigpost in the region and zone of the database, and check its load";
    Finding::at(level, figure, DATABASE_SLOW.sentence, fix)
}

fn said(length: Duration) -> String {
    lasting(length.as_secs_f64())
}

pub(super) async fn version(subject: &Subject) -> Result<Finding> {
    Ok(judge_version(subject.server().await?.version_num))
}

fn judge_version(version_num: i32) -> Finding {
    let figure = format!("Postgres {}.{}", version_num / 10_000, version_num % 10_000);
    match version_num / 10_000 {
        ..14 => Finding::failed(figure, "sigpost requires Postgres 14 or later", "upgrade the server"),
        14 => Finding::warned(figure, "Postgres 14 gets no security fixes after November 2026", "upgrade the server"),
        _ => Finding::passed(figure),
    }
}

pub(super) async fn tls(subject: &Subject) -> Result<Finding> {
    let reached = url::reached(&subject.config.database_url.0).map_err(anyhow::Error::msg)?;
    Ok(judge_tls(subject.server().await?.encrypted, reached))
}

fn judge_tls(encrypted: bool, reached: Reached) -> Finding {
    match (encrypted, reached.this_machine) {
        (true, _) => Finding::passed("encrypted, certificate verified"),
        (false, true) => Finding::passed("not encrypted, on this machine"),
        (false, false) => Finding::failed(
            "not encrypted",
            "payloads, signing keys and the password cross the network unencrypted",
            "enable TLS on the server, and set sslmode=require in DATABASE_URL",
        ),
    }
}

pub(super) async fn clock(subject: &Subject) -> Result<Finding> {
    let mut session = subject.session().await?;
    let before = now_s();
    let server = server::look(&mut session).await?;
    // The database read its clock between the two, at about the midpoint.
    Ok(judge_clock("the database's clock", server.now_s - f64::midpoint(before, now_s()), &subject.rules))
}

pub(super) fn now_s() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

pub(super) fn judge_clock(whose: &str, ahead_s: f64, rules: &Rules) -> Finding {
    let figure = format!("{whose} is {} {}", lasting(ahead_s.abs()), if ahead_s < 0.0 { "behind" } else { "ahead" });
    let level = rules.level(&CLOCK_SKEW, ahead_s.abs());
    Finding::at(level, figure, CLOCK_SKEW.sentence, "synchronize both machines with NTP")
}

pub(super) async fn connection_budget(subject: &Subject) -> Result<Finding> {
    let listens = !subject.in_lambda();
    Ok(judge_budget(subject.server().await?, subject.config.database_connections, listens, &subject.rules))
}

fn judge_budget(server: &Server, pool: usize, listens: bool, rules: &Rules) -> Finding {
    let each = i64::try_from(pool).unwrap_or(i64::MAX) + i64::from(listens);
    let processes = server.listeners.max(1);
    let (needed, usable) = (each.saturating_mul(processes), server.usable_connections);
    let others = server.used_connections - server.own_connections;
    let figure = format!(
        "{} of {usable} connections in use, {others} of them by other clients; {} may need {needed} at most",
        server.used_connections,
        counted(processes, "process"),
    );
    let fix = "lower DATABASE_CONNECTIONS, raise max_connections (or the limit of the role or database), or run fewer \
               processes";
    if needed + others > usable {
        return Finding::failed(figure, "under load, connections fail with `too many clients`", fix);
    }
    if needed.saturating_mul(2) + others > usable {
        return Finding::warned(figure, "a rolling deployment runs up to twice as many processes", fix);
    }
    #[expect(clippy::cast_precision_loss, reason = "numbers of connections")]
    let share = server.used_connections as f64 / usable.max(1) as f64;
    Finding::at(rules.level(&CONNECTIONS, share), figure, CONNECTIONS.sentence, fix)
}

pub(super) async fn session_timeouts(subject: &Subject) -> Result<Finding> {
    Ok(judge_timeouts(subject.server().await?))
}

fn judge_timeouts(server: &Server) -> Finding {
    let all = [
        ("statement_timeout", server.statement_timeout_ms),
        ("idle_session_timeout", server.idle_session_timeout_ms),
        ("transaction_timeout", server.transaction_timeout_ms),
    ];
    let set: Vec<String> = all.iter().filter(|(_, ms)| *ms > 0).map(|(name, ms)| format!("{name} = {ms} ms")).collect();
    let figure = if set.is_empty() { "none".to_owned() } else { set.join(", ") };
    let fix = "set them for sigpost's role: alter role ... set statement_timeout = 0, idle_session_timeout = 0";
    let short = |ms: i64, least: i64| ms > 0 && ms < least;
    let (statement, transaction) = (server.statement_timeout_ms, server.transaction_timeout_ms);
    if short(statement, 5_000) || short(transaction, 5_000) {
        return Finding::failed(figure, "commits under load and cleanup-old-data take longer, and are cancelled", fix);
    }
    if server.idle_session_timeout_ms > 0 {
        let reason =
            "it closes the connection of the listener, which is idle, and notifications are lost until it reconnects";
        return Finding::warned(figure, reason, fix);
    }
    if short(statement, 30_000) || short(transaction, 30_000) {
        return Finding::warned(figure, "cleanup-old-data and reports may take longer, and are cancelled", fix);
    }
    Finding::passed(figure)
}

pub(super) async fn listen(subject: &Subject) -> Result<Finding> {
    if subject.in_lambda() {
        return Ok(Finding::skipped("Lambda functions do not listen"));
    }
    subject.connected()?;
    let pooled = url::reached(&subject.config.database_url.0).is_ok_and(|reached| reached.pooled);
    Ok(judge_listen(notifying::round_trip(&subject.database, NOTIFIED_WITHIN).await?, pooled))
}

fn judge_listen(arrived: Option<Duration>, pooled: bool) -> Finding {
    let fix = "set DATABASE_URL to the address of the database, or of a pooler in session mode";
    match arrived {
        None => Finding::failed(
            "no notification arrived",
            "a pooler in transaction mode is in between: messages of other processes are delivered up to 5 minutes late",
            fix,
        ),
        Some(after) if pooled => Finding::warned(
            format!("arrived after {}, on port 6432", said(after)),
            "6432 is the port of a pooler: in the mode `transaction`, notifications get lost",
            fix,
        ),
        Some(after) => Finding::passed(format!("arrived after {}", said(after))),
    }
}

pub(super) async fn privileges(subject: &Subject) -> Result<Finding> {
    Ok(judge_privileges(&subject.server().await?.forbidden))
}

fn judge_privileges(forbidden: &[String]) -> Finding {
    match forbidden {
        [] => Finding::passed("all privileges"),
        _ => Finding::failed(
            format!("{} are missing", forbidden.len()),
            format!("the role may not: {}", forbidden.join(", ")),
            "run sigpost as the role that applied the migrations, or grant the privileges",
        ),
    }
}

pub(super) async fn durability(subject: &Subject) -> Result<Finding> {
    Ok(judge_durability(&subject.server().await?.lossy))
}

fn judge_durability(lossy: &[String]) -> Finding {
    match lossy {
        [] => Finding::passed("fsync, full_page_writes and synchronous_commit are on"),
        _ => Finding::failed(
            format!("{} off", lossy.join(", ")),
            "accepted messages can be lost when the server crashes",
            "turn them on in the server's configuration",
        ),
    }
}

pub(super) async fn long_transactions(subject: &Subject) -> Result<Finding> {
    Ok(judge_transactions(subject.server().await?.oldest_transaction_s, &subject.rules))
}

fn judge_transactions(oldest_s: f64, rules: &Rules) -> Finding {
    let figure = format!("the oldest has been open for {}", lasting(oldest_s));
    let fix =
        "find it in pg_stat_activity by xact_start, and end it; set idle_in_transaction_session_timeout for its role";
    Finding::at(rules.level(&QUERY_LONG, oldest_s), figure, QUERY_LONG.sentence, fix)
}

#[cfg(test)]
mod tests {
    use super::super::finding::State::{self, Failed, Passed, Warned};
    use super::*;

    fn server() -> Server {
        Server {
            version_num: 170_004,
            usable_connections: 97,
            used_connections: 12,
            own_connections: 9,
            listeners: 1,
            autovacuum: true,
            lossy: vec![],
            statement_timeout_ms: 0,
            idle_session_timeout_ms: 0,
            transaction_timeout_ms: 0,
            encrypted: true,
            oldest_transaction_s: 0.0,
            now_s: 0.0,
            forbidden: vec![],
        }
    }

    #[test]
    fn budget_counts_full_pools_twice_and_what_others_use() {
        let state = |usable, used, own, listeners, pool| {
            let server = Server {
                usable_connections: usable,
                used_connections: used,
                own_connections: own,
                listeners,
                ..server()
            };
            judge_budget(&server, pool, true, &Rules::default()).state
        };
        // Two processes of 8 + 1; others have 3.
        for (usable, expected) in [(20, Failed), (21, Warned), (38, Warned), (39, Passed)] {
            assert_eq!(state(usable, 21, 18, 2, 8), expected, "{usable}");
        }
        // Without a process one is counted; 80 % are in use, then 95 %.
        assert_eq!(state(100, 79, 79, 0, 8), Passed);
        assert_eq!(state(100, 80, 80, 0, 8), Warned);
        assert_eq!(state(100, 95, 95, 0, 8), Failed);
    }

    #[test]
    fn timeouts_are_judged_at_their_borders() {
        let state = |statement, idle, transaction| {
            let server = Server {
                statement_timeout_ms: statement,
                idle_session_timeout_ms: idle,
                transaction_timeout_ms: transaction,
                ..server()
            };
            judge_timeouts(&server).state
        };
        let cases: [(i64, i64, i64, State); 7] = [
            (0, 0, 0, Passed),
            (4_999, 0, 0, Failed),
            (5_000, 0, 0, Warned),
            (30_000, 0, 0, Passed),
            (0, 600_000, 0, Warned),
            (0, 0, 4_999, Failed),
            (0, 0, 30_000, Passed),
        ];
        for (statement, idle, transaction, expected) in cases {
            assert_eq!(state(statement, idle, transaction), expected, "{statement} {idle} {transaction}");
        }
    }

    #[test]
    fn times_and_versions_are_judged_at_their_borders() {
        let (ms, rules) = (Duration::from_millis, Rules::default());
        for (answer, expected) in [(49, Passed), (50, Warned), (499, Warned), (500, Failed)] {
            assert_eq!(judge_reachable(ms(3), ms(answer), &rules).state, expected, "{answer}");
        }
        for (ahead_s, expected) in [(4.9, Passed), (-5.0, Warned), (59.9, Warned), (-60.0, Failed)] {
            assert_eq!(judge_clock("it", ahead_s, &rules).state, expected, "{ahead_s}");
        }
        for (version, expected) in [(130_009, Failed), (140_001, Warned), (150_000, Passed)] {
            assert_eq!(judge_version(version).state, expected, "{version}");
        }
        for (open_s, expected) in [(299.0, Passed), (300.0, Warned), (3600.0, Failed)] {
            assert_eq!(judge_transactions(open_s, &rules).state, expected, "{open_s}");
        }
    }

    #[test]
    fn plain_connections_are_for_this_machine_only() {
        let reached = |this_machine| Reached { this_machine, never_encrypts: false, pooled: false };
        assert_eq!(judge_tls(true, reached(false)).state, Passed);
        assert_eq!(judge_tls(false, reached(true)).state, Passed);
        assert_eq!(judge_tls(false, reached(false)).state, Failed);
        let after = Some(Duration::from_millis(1));
        assert_eq!(judge_listen(after, false).state, Passed);
        assert_eq!(judge_listen(after, true).state, Warned);
        assert_eq!(judge_listen(None, false).state, Failed);
    }
}
