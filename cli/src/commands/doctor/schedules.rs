//! Schedules.

use std::collections::HashMap;

use anyhow::Result;
use sigpost_health::Rules;
use sigpost_health::checks::SCHEDULE_MISSED;
use sigpost_qstash::Cron;
use sigpost_store::diagnosis::schedules::{self, Schedule};

use super::finding::{Finding, lasting};
use super::subject::Subject;
use crate::output::counted;

/// A change is mirrored within seconds, or by the next reconciliation within an hour.
const UNMIRRORED_S: f64 = 300.0;

async fn all(subject: &Subject) -> Result<Vec<Schedule>> {
    Ok(schedules::all(&mut *subject.session().await?).await?)
}

/// Joins the first ten IDs.
fn names<'a>(schedules: impl IntoIterator<Item = &'a Schedule>) -> String {
    schedules.into_iter().take(10).map(|schedule| schedule.id.as_str()).collect::<Vec<_>>().join(", ")
}

pub(super) async fn firing(subject: &Subject) -> Result<Finding> {
    Ok(judge_firing(&all(subject).await?, &subject.rules))
}

fn judge_firing(schedules: &[Schedule], rules: &Rules) -> Finding {
    let level = |schedule: &Schedule| rules.level(&SCHEDULE_MISSED, schedule.late_s?);
    let late: Vec<&Schedule> = schedules.iter().filter(|schedule| level(schedule).is_some()).collect();
    let paused = schedules.iter().filter(|schedule| schedule.paused).count();
    if late.is_empty() {
        return Finding::passed(format!(
            "{}, {paused} of them paused, none late",
            counted(schedules.len(), "schedule")
        ));
    }
    let most_s = late.iter().filter_map(|schedule| schedule.late_s).fold(0.0, f64::max);
    Finding::at(
        schedules.iter().filter_map(level).max(),
        format!("{} of {} are late, by up to {}", late.len(), schedules.len(), lasting(most_s)),
        format!("not fired on time: {}", names(late)),
        "check that a process delivers (`processes`), and on AWS that EventBridge Scheduler may invoke dispatch",
    )
}

pub(super) async fn mirrored(subject: &Subject) -> Result<Finding> {
    Ok(judge_mirrored(&all(subject).await?, subject.in_lambda()))
}

fn judge_mirrored(schedules: &[Schedule], mirrors: bool) -> Finding {
    if !mirrors {
        let copied: Vec<&Schedule> = schedules.iter().filter(|schedule| schedule.mirrored).collect();
        if copied.is_empty() {
            return Finding::skipped("SCHEDULE_GROUP is not set: processes fire the schedules");
        }
        return Finding::warned(
            format!("{} have copies at EventBridge Scheduler", copied.len()),
            "SCHEDULE_GROUP is not set here, but was set where they were created: changes here are not mirrored",
            "set SCHEDULE_GROUP in all processes of the deployment or in none",
        );
    }
    let stale: Vec<&Schedule> =
        schedules.iter().filter(|s| s.unmirrored_s.is_some_and(|since_s| since_s > UNMIRRORED_S)).collect();
    if stale.is_empty() {
        return Finding::passed(format!("{}, all mirrored", counted(schedules.len(), "schedule")));
    }
    Finding::failed(
        format!("{} of {} are not mirrored", stale.len(), schedules.len()),
        format!("changed more than 5 minutes ago and not mirrored: {}", names(stale)),
        "check the log of dispatch for errors of EventBridge Scheduler; the next reconciliation retries",
    )
}

pub(super) async fn valid(subject: &Subject) -> Result<Finding> {
    Ok(judge_valid(&all(subject).await?, subject.in_lambda()))
}

fn judge_valid(schedules: &[Schedule], mirrors: bool) -> Finding {
    let fires = |schedule: &&Schedule| {
        let five = Cron::parse("cron", &schedule.cron);
        match five.or_else(|_| Cron::parse_with_seconds("cron", &schedule.cron)) {
            Ok(cron) => mirrors && cron.to_aws("cron").is_err(),
            Err(_) => true,
        }
    };
    let broken: Vec<&Schedule> = schedules.iter().filter(fires).collect();
    if !broken.is_empty() {
        return Finding::failed(
            format!("{} of {} cannot fire", broken.len(), schedules.len()),
            format!("the cron expression is invalid, or EventBridge Scheduler does not support it: {}", names(broken)),
            "replace them: POST /v2/schedules with the same Upstash-Schedule-Id",
        );
    }
    let mut contents: HashMap<&str, usize> = HashMap::new();
    for schedule in schedules {
        *contents.entry(&schedule.content).or_default() += 1;
    }
    let twice: Vec<&Schedule> = schedules.iter().filter(|schedule| contents[schedule.content.as_str()] > 1).collect();
    if twice.is_empty() {
        return Finding::passed(format!("{}, all different", counted(schedules.len(), "schedule")));
    }
    Finding::warned(
        format!("{} duplicate another schedule", twice.len()),
        format!("same time, destination and body, so each job runs twice: {}", names(twice)),
        "delete all but one; create schedules with Upstash-Schedule-Id, so that a deployment replaces them",
    )
}

pub(super) async fn errors(subject: &Subject) -> Result<Finding> {
    Ok(judge_errors(&all(subject).await?))
}

fn judge_errors(schedules: &[Schedule]) -> Finding {
    let failing: Vec<String> = schedules
        .iter()
        .filter_map(|schedule| Some(format!("{}: {}", schedule.id, schedule.error.as_ref()?)))
        .take(10)
        .collect();
    match failing.len() {
        0 => Finding::passed(format!("{}, the last firing of each published", counted(schedules.len(), "schedule"))),
        count => Finding::failed(
            format!("{count} failed to publish"),
            failing.join("; "),
            "correct the schedule, its URL group or ALLOW_TARGETS",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::State::{Failed, Passed, Skipped, Warned};
    use super::*;

    fn schedule(id: &str) -> Schedule {
        Schedule {
            id: id.into(),
            cron: "0 3 * * *".into(),
            destination: "https://example.com".into(),
            content: id.into(),
            paused: false,
            late_s: None,
            unmirrored_s: None,
            mirrored: false,
            error: None,
        }
    }

    fn with(change: impl FnOnce(&mut Schedule)) -> Vec<Schedule> {
        let mut changed = schedule("b");
        change(&mut changed);
        vec![schedule("a"), changed]
    }

    #[test]
    fn lateness_is_judged_at_two_and_at_ten_minutes() {
        let judged = |late_s| judge_firing(&with(|s| s.late_s = Some(late_s)), &Rules::default());
        assert_eq!(judged(119.0).state, Passed);
        let late = judged(120.0);
        assert_eq!((late.state, late.reason.as_deref()), (Warned, Some("not fired on time: b")));
        assert_eq!(judged(600.0).state, Failed);
    }

    #[test]
    fn copies_must_agree_where_there_are_copies() {
        assert_eq!(judge_mirrored(&with(|s| s.unmirrored_s = Some(300.0)), true).state, Passed);
        assert_eq!(judge_mirrored(&with(|s| s.unmirrored_s = Some(301.0)), true).state, Failed);
        assert_eq!(judge_mirrored(&with(|s| s.unmirrored_s = Some(301.0)), false).state, Skipped);
        assert_eq!(judge_mirrored(&with(|s| s.mirrored = true), false).state, Warned);
    }

    #[test]
    fn schedules_must_fire_and_be_different() {
        assert_eq!(judge_valid(&with(|_| ()), true).state, Passed);
        assert_eq!(judge_valid(&with(|s| s.cron = "* * *".into()), false).state, Failed);
        let seconds = with(|s| s.cron = "*/10 * * * * *".into());
        assert_eq!(judge_valid(&seconds, false).state, Passed);
        assert_eq!(judge_valid(&seconds, true).state, Failed);
        assert_eq!(judge_valid(&with(|s| s.content = "a".into()), false).state, Warned);
        assert_eq!(judge_errors(&with(|_| ())).state, Passed);
        assert_eq!(judge_errors(&with(|s| s.error = Some("no such group".into()))).state, Failed);
    }
}
