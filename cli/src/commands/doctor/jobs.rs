//! Current messages and runs.

use std::time::Duration;

use anyhow::Result;
use sigpost::jobs::JOBS;
use sigpost_store::diagnosis::runs::{self, Durations, Stuck};
use sigpost_store::diagnosis::traffic::Traffic;
use sigpost_store::health::{self, Queue};
use sigpost_store::metrics::{TypeMetrics, Window, runs_by_type};

use super::finding::{Finding, lasting};
use super::subject::Subject;
use crate::output::counted;

pub(super) async fn overdue(subject: &Subject) -> Result<Finding> {
    Ok(judge_overdue(health::queue(&mut *subject.session().await?).await?))
}

fn judge_overdue(queue: Queue) -> Finding {
    let Some(late_s) = queue.oldest_due_s else { return Finding::passed("no message is due") };
    let figure = format!("{} due, the oldest for {}", queue.due, lasting(late_s));
    let fix =
        "check that processes deliver (`processes`), their log, and whether slow destinations occupy MAX_IN_FLIGHT";
    match late_s {
        s if s > 300.0 => Finding::failed(figure, "no process delivers, or delivery is too slow", fix),
        s if s > 60.0 => Finding::warned(figure, "delivery does not keep up", fix),
        _ => Finding::passed(figure),
    }
}

pub(super) async fn queue_depth(subject: &Subject) -> Result<Finding> {
    Ok(judge_depth(health::queue(&mut *subject.session().await?).await?))
}

fn judge_depth(queue: Queue) -> Finding {
    let figure = format!("{} due, {} in flight, {} scheduled", queue.due, queue.active, queue.scheduled);
    let fix = "raise MAX_IN_FLIGHT, run more processes, or make the slowest destination faster";
    match queue.due {
        ..=100 => Finding::passed(figure),
        101..10_000 => Finding::warned(figure, "more than 100 messages are due and not in flight", fix),
        _ => Finding::failed(figure, "10,000 messages or more are due and not in flight", fix),
    }
}

pub(super) async fn waiting(subject: &Subject) -> Result<Finding> {
    Ok(judge_waiting(subject.traffic().await?))
}

fn judge_waiting(traffic: &Traffic) -> Finding {
    let longest_s = traffic.longest_wait_s.unwrap_or_default();
    let figure =
        format!("{} blocked by queues and flow-control keys, the oldest for {}", traffic.waiting, lasting(longest_s));
    if !traffic.paused_gates.is_empty() {
        let reason = format!("paused, with blocked messages: {}", traffic.paused_gates.join(", "));
        return Finding::warned(figure, reason, "resume them: POST /v2/queues/NAME/resume, /v2/flowControl/KEY/resume");
    }
    if longest_s > 3600.0 {
        let reason = "messages arrive faster than the limits allow: the backlog grows";
        return Finding::warned(figure, reason, "raise their parallelism or rate, or publish less");
    }
    Finding::passed(figure)
}

pub(super) async fn stuck_runs(subject: &Subject) -> Result<Finding> {
    Ok(judge_stuck(&runs::stuck(&mut *subject.session().await?).await?))
}

fn judge_stuck(stuck: &Stuck) -> Finding {
    if stuck.count == 0 {
        return Finding::passed("no run takes longer than 10 minutes or has an expired lease");
    }
    let oldest = lasting(stuck.oldest_s.unwrap_or_default());
    Finding::failed(
        format!("{}, the oldest started {oldest} ago", counted(stuck.count, "run")),
        format!("their process crashed or hangs: {}", stuck.message_ids.join(", ")),
        "check the log of their handlers; `cleanup-old-data` closes runs whose process crashed",
    )
}

pub(super) async fn failure_rate(subject: &Subject) -> Result<Finding> {
    let hour = Window::new(Duration::from_secs(3600));
    Ok(judge_failures(&runs_by_type(&mut *subject.session().await?, hour).await?))
}

/// Minimum number of runs for a failed state.
const ENOUGH_RUNS: i64 = 20;

fn judge_failures(types: &[TypeMetrics]) -> Finding {
    let failed: i64 = types.iter().map(|counts| counts.failed).sum();
    let ended: i64 = failed + types.iter().map(|counts| counts.completed).sum::<i64>();
    let figure = format!("{failed} of {} failed in the last hour", counted(ended, "run"));
    let worst = types.iter().max_by_key(|counts| counts.failed);
    let reason = worst.map_or_else(String::new, |worst| format!("most of them: {} ({})", worst.job_type, worst.failed));
    let fix = "check their errors: GET /v2/dlq, and job_executions where status = 'failed'";
    if failed * 20 < ended || failed == 0 {
        return Finding::passed(figure);
    }
    match failed * 10 >= ended && ended >= ENOUGH_RUNS {
        true => Finding::failed(figure, reason, fix),
        false => Finding::warned(figure, reason, fix),
    }
}

pub(super) async fn durations(subject: &Subject) -> Result<Finding> {
    let durations = runs::durations(&mut *subject.session().await?).await?;
    let timeout = |job_type: &str| {
        JOBS.iter().find(|job| job.name == job_type).map_or(f64::INFINITY, |job| job.timeout.as_secs_f64())
    };
    Ok(judge_durations(&durations, timeout))
}

fn judge_durations(durations: &[Durations], timeout_s: impl Fn(&str) -> f64) -> Finding {
    let slow = |each: &&Durations| each.p99_s > 0.8 * timeout_s(&each.job_type);
    let said = |each: &Durations| {
        format!("{} {} of {}", each.job_type, lasting(each.p99_s), lasting(timeout_s(&each.job_type)))
    };
    let close: Vec<String> = durations.iter().filter(slow).map(said).collect();
    if close.is_empty() {
        let runs: i64 = durations.iter().map(|each| each.runs).sum();
        return Finding::passed(format!("{} completed in the last day, none near its timeout", counted(runs, "run")));
    }
    Finding::warned(
        format!("p99 duration: {}", close.join(", ")),
        "this is more than 80 % of the timeout: slower runs are stopped and retried",
        "find the cause; raise the TIMEOUT of the job if it needs this long",
    )
}

#[cfg(test)]
mod tests {
    use super::super::finding::State::{Failed, Passed, Warned};
    use super::*;

    #[test]
    fn lateness_and_depth_are_judged_at_their_borders() {
        let queue = |due, oldest_due_s| Queue { due, oldest_due_s, ..Queue::default() };
        for (late_s, expected) in
            [(None, Passed), (Some(60.0), Passed), (Some(60.1), Warned), (Some(300.0), Warned), (Some(300.1), Failed)]
        {
            assert_eq!(judge_overdue(queue(1, late_s)).state, expected, "{late_s:?}");
        }
        for (due, expected) in [(100, Passed), (101, Warned), (9_999, Warned), (10_000, Failed)] {
            assert_eq!(judge_depth(queue(due, None)).state, expected, "{due}");
        }
    }

    #[test]
    fn failures_are_judged_by_their_share_and_number() {
        let state =
            |completed, failed| judge_failures(&[TypeMetrics { completed, failed, ..TypeMetrics::default() }]).state;
        for (completed, failed, expected) in [
            (0, 0, Passed),
            (0, 1, Warned),
            (96, 4, Passed),
            (95, 5, Warned),
            (91, 9, Warned),
            (90, 10, Failed),
            (17, 2, Warned),
            (18, 2, Failed),
        ] {
            assert_eq!(state(completed, failed), expected, "{completed} {failed}");
        }
    }

    #[test]
    fn runs_are_judged_by_their_own_timeout() {
        let durations = |p99_s| [Durations { job_type: "a".into(), runs: 3, p99_s }];
        assert_eq!(judge_durations(&durations(8.0), |_| 10.0).state, Passed);
        assert_eq!(judge_durations(&durations(8.1), |_| 10.0).state, Warned);
        assert_eq!(judge_durations(&durations(8.1), |_| f64::INFINITY).state, Passed);
        assert_eq!(judge_stuck(&Stuck::default()).state, Passed);
        assert_eq!(judge_stuck(&Stuck { count: 1, ..Stuck::default() }).state, Failed);
    }

    #[test]
    fn gates_may_hold_back_but_not_for_ever() {
        let traffic = |longest_s, paused: &[&str]| Traffic {
            lost_leases: 0,
            accepted: 0,
            waiting: 1,
            longest_wait_s: longest_s,
            paused_gates: paused.iter().map(|&gate| gate.to_owned()).collect(),
            most_retries: None,
            plain_hosts: vec![],
        };
        assert_eq!(judge_waiting(&traffic(None, &[])).state, Passed);
        assert_eq!(judge_waiting(&traffic(Some(3600.0), &[])).state, Passed);
        assert_eq!(judge_waiting(&traffic(Some(3601.0), &[])).state, Warned);
        assert_eq!(judge_waiting(&traffic(Some(1.0), &["queue:q"])).state, Warned);
    }
}
