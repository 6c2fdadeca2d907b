//! Schedules.

use std::collections::HashMap;

use anyhow::Result;
use sigpost_qstash::Cron;
use sigpost_store::diagnosis::schedules::{self, Schedule};

use super::finding::{Finding, lasting};
use super::subject::Subject;
use crate::output::counted;

/// EventBridge Scheduler promises a minute; after two the tick fires in its place.
const LATE_S: f64 = 120.0;
/// A change is mirrored within seconds, or by the next reconciliation, an hour later at most.
const UNMIRRORED_S: f64 = 300.0;

async fn all(subject: &Subject) -> Result<Vec<Schedule>> {
    Ok(schedules::all(&mut *subject.session().await?).await?)
}

/// Their ids, as many as can be read.
fn names<'a>(schedules: impl IntoIterator<Item = &'a Schedule>) -> String {
    schedules.into_iter().take(10).map(|schedule| schedule.id.as_str()).collect::<Vec<_>>().join(", ")
}

pub(super) async fn firing(subject: &Subject) -> Result<Finding> {
    Ok(judge_firing(&all(subject).await?))
}

fn judge_firing(schedules: &[Schedule]) -> Finding {
    let late: Vec<&Schedule> = schedules.iter().filter(|s| s.late_s.is_some_and(|late_s| late_s > LATE_S)).collect();
    let paused = schedules.iter().filter(|schedule| schedule.paused).count();
    if late.is_empty() {
        return Finding::passed(format!(
            "{}, {paused} of them paused, none late",
            counted(schedules.len(), "schedule")
        ));
    }
    let most_s = late.iter().filter_map(|schedule| schedule.late_s).fold(0.0, f64::max);
    Finding::failed(
        format!("{} of {} are late, by up to {}", late.len(), schedules.len(), lasting(most_s)),
        format!("nobody fires them: {}", names(late)),
        "look whether a process delivers (`processes`), and on AWS whether EventBridge Scheduler may invoke dispatch",
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
            "SCHEDULE_GROUP is not set here and was where they were changed: changes made here do not get there",
            "set SCHEDULE_GROUP in all processes of the deployment or in none",
        );
    }
    let stale: Vec<&Schedule> =
        schedules.iter().filter(|s| s.unmirrored_s.is_some_and(|since_s| since_s > UNMIRRORED_S)).collect();
    if stale.is_empty() {
        return Finding::passed(format!("{}, all as they are there", counted(schedules.len(), "schedule")));
    }
    Finding::failed(
        format!("{} of {} are not", stale.len(), schedules.len()),
        format!("changed more than 5 minutes ago and not mirrored: {}", names(stale)),
        "look at dispatch's log for why EventBridge Scheduler refuses; the next reconciliation tries again",
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
            format!("the expression is not one, or EventBridge Scheduler has none for it: {}", names(broken)),
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
        format!("{} publish the same as another one", twice.len()),
        format!("same time, target and body, so each job runs twice: {}", names(twice)),
        "delete all but one; create them with Upstash-Schedule-Id, so that a deployment replaces its own",
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
        0 => Finding::passed(format!("{}, all published when they fired last", counted(schedules.len(), "schedule"))),
        count => Finding::failed(
            format!("{count} published nothing"),
            failing.join("; "),
            "correct the schedule or what it refers to (its URL group, ALLOW_TARGETS)",
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
    fn lateness_is_judged_at_two_minutes() {
        assert_eq!(judge_firing(&with(|s| s.late_s = Some(120.0))).state, Passed);
        let late = judge_firing(&with(|s| s.late_s = Some(121.0)));
        assert_eq!((late.state, late.reason.as_deref()), (Failed, Some("nobody fires them: b")));
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
