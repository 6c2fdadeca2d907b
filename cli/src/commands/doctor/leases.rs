//! Dispatchers and their leases.

use std::time::Duration;

use anyhow::Result;
use sigpost_health::Rules;
use sigpost_health::checks::LEASES_LOST;
use sigpost_jobs::{RUN_BEAT, RUN_LEASE};
use sigpost_store::diagnosis::runs::{self, Durations, Leases};

use super::finding::{Finding, lasting};
use super::subject::Subject;
use crate::output::counted;

pub(super) async fn processes(subject: &Subject) -> Result<Finding> {
    if subject.in_lambda() {
        return Ok(Finding::skipped("Lambda functions start when a message is due"));
    }
    Ok(judge_processes(subject.server().await?.listeners))
}

fn judge_processes(listeners: i64) -> Finding {
    let figure = format!("{} connected", counted(listeners, "listener"));
    let fix = "run two or more `sigpost serve`; there is no leader";
    match listeners {
        0 => Finding::failed(
            figure,
            "no process delivers, or this role cannot see its session: use the role of `serve`",
            "start `sigpost serve`",
        ),
        1 => Finding::warned(figure, "during a restart or after a crash, no message is accepted or delivered", fix),
        _ => Finding::passed(figure),
    }
}

pub(super) async fn lease(subject: &Subject) -> Result<Finding> {
    let Some(dispatcher) = &subject.config.dispatcher else { return Ok(Finding::skipped("delivery is disabled")) };
    Ok(judge_lease(dispatcher.lease, subject.round_trip().await?))
}

fn judge_lease(lease: Duration, round_trip: Duration) -> Finding {
    let renewal = lease / 3;
    let figure = format!(
        "{} s, renewed every {:.1} s; the database responds in {}",
        lease.as_secs(),
        renewal.as_secs_f64(),
        lasting(round_trip.as_secs_f64())
    );
    if round_trip >= renewal {
        let reason = "the database responds more slowly than leases must be renewed: every lease expires";
        return Finding::failed(figure, reason, "raise LEASE_SECONDS, and see `database-reachable`");
    }
    if round_trip * 10 >= renewal || lease < Duration::from_secs(5) {
        let reason = "one slow commit lets a lease expire, and the message is delivered twice";
        return Finding::warned(figure, reason, "raise LEASE_SECONDS to 20");
    }
    if lease > Duration::from_secs(300) {
        let reason = "time until another dispatcher takes over after a crash";
        return Finding::warned(figure, reason, "lower LEASE_SECONDS to 20: leases are renewed during an attempt");
    }
    Finding::passed(figure)
}

pub(super) async fn heartbeats(subject: &Subject) -> Result<Finding> {
    Ok(judge_heartbeats(runs::leases(&mut *subject.session().await?).await?))
}

fn judge_heartbeats(leases: Leases) -> Finding {
    let figure = format!(
        "{} in flight; leases of {} s are renewed every {} s",
        counted(leases.open, "run"),
        RUN_LEASE.as_secs(),
        RUN_BEAT.as_secs()
    );
    // One second for a renewal during the query.
    if leases.longest_s > RUN_LEASE.as_secs_f64() + 1.0 {
        return Finding::warned(
            figure,
            format!(
                "a run has a lease for another {}: it cannot be retried before, even after a crash",
                lasting(leases.longest_s)
            ),
            "its handler has another version of sigpost, or the row was changed by hand: deploy one version",
        );
    }
    Finding::passed(figure)
}

pub(super) async fn lost_leases(subject: &Subject) -> Result<Finding> {
    let traffic = subject.traffic().await?;
    Ok(judge_lost(traffic.lost_leases, traffic.accepted, &subject.rules))
}

#[expect(clippy::cast_precision_loss, reason = "counts of fewer than 2^53 messages")]
fn judge_lost(lost: i64, accepted: i64, rules: &Rules) -> Finding {
    let figure = format!("{} with an expired lease in the last hour, of {accepted} accepted", counted(lost, "message"));
    let fix = "check for killed processes (memory, deployments without a grace period) and the latency of the database";
    Finding::at(rules.level(&LEASES_LOST, lost as f64), figure, LEASES_LOST.sentence, fix)
}

pub(super) async fn shutdown_grace(subject: &Subject) -> Result<Finding> {
    let Some(dispatcher) = subject.config.dispatcher.as_ref().filter(|_| !subject.in_lambda()) else {
        return Ok(Finding::skipped("Lambda functions end after their last request"));
    };
    let durations = runs::durations(&mut *subject.session().await?).await?;
    Ok(judge_grace(dispatcher.grace, &durations))
}

fn judge_grace(grace: Duration, durations: &[Durations]) -> Finding {
    let grace_s = grace.as_secs_f64();
    let Some(slowest) = durations.iter().max_by(|a, b| a.p99_s.total_cmp(&b.p99_s)) else {
        return Finding::passed(format!("{grace_s} s; no run in the last day"));
    };
    let figure = format!("{grace_s} s; p99 duration of {} is {}", slowest.job_type, lasting(slowest.p99_s));
    if slowest.p99_s > grace_s {
        return Finding::warned(
            figure,
            "a graceful shutdown interrupts longer attempts, and their jobs are delivered again",
            "raise SHUTDOWN_GRACE_SECONDS and the grace period of the platform (terminationGracePeriodSeconds)",
        );
    }
    Finding::passed(figure)
}

#[cfg(test)]
mod tests {
    use super::super::finding::State::{Failed, Passed, Warned};
    use super::*;

    #[test]
    fn one_process_is_few_and_none_is_a_fault() {
        for (listeners, expected) in [(0, Failed), (1, Warned), (2, Passed)] {
            assert_eq!(judge_processes(listeners).state, expected, "{listeners}");
        }
    }

    #[test]
    fn lease_is_judged_by_the_database_behind_it() {
        for (lease_s, round_trip_ms, expected) in [
            (20, 1, Passed),
            (20, 666, Passed),
            (20, 667, Warned),
            (20, 6_667, Failed),
            (4, 1, Warned),
            (5, 1, Passed),
            (300, 1, Passed),
            (301, 1, Warned),
        ] {
            let finding = judge_lease(Duration::from_secs(lease_s), Duration::from_millis(round_trip_ms));
            assert_eq!(finding.state, expected, "{lease_s} {round_trip_ms}");
        }
        assert_eq!(judge_heartbeats(Leases { open: 1, longest_s: 31.0 }).state, Passed);
        assert_eq!(judge_heartbeats(Leases { open: 1, longest_s: 31.1 }).state, Warned);
    }

    #[test]
    fn lost_lease_is_a_warning_at_any_number() {
        for (lost, accepted, expected) in [(0, 0, Passed), (1, 1, Warned), (10, 999, Warned)] {
            assert_eq!(judge_lost(lost, accepted, &Rules::default()).state, expected, "{lost} {accepted}");
        }
    }

    #[test]
    fn grace_must_hold_the_slowest_job() {
        let durations = [25.0, 1.0].map(|p99_s| Durations { job_type: "a".into(), runs: 5, p99_s });
        assert_eq!(judge_grace(Duration::from_secs(25), &durations).state, Passed);
        assert_eq!(judge_grace(Duration::from_secs(24), &durations).state, Warned);
        assert_eq!(judge_grace(Duration::from_secs(24), &[]).state, Passed);
    }
}
