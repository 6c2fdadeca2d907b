//! Retention and cleanup.

use std::time::Duration;

use anyhow::Result;
use sigpost_health::Rules;
use sigpost_health::checks::{DEAD_LETTERS, PARTITIONS_MISSING};
use sigpost_qstash::default_backoff;
use sigpost_store::diagnosis::log::{self, Kept, Partitions};
use sigpost_store::diagnosis::runs::{self, LastRun};

use super::finding::{Finding, lasting};
use super::subject::Subject;
use crate::output::counted;

const DAY_S: f64 = 86_400.0;
/// Retention of the schedule that `infra` creates, used if there is no run.
const USUAL_RETENTION_DAYS: f64 = 90.0;
/// Default retries of a publish.
const USUAL_RETRIES: i64 = 3;
/// Maximum retries in the sum of retry delays; by then each delay is a day.
const MOST_RETRIES: u32 = 10_000;

async fn retention_s(subject: &Subject) -> Result<f64> {
    let last = runs::last_cleanup(&mut *subject.session().await?).await?;
    Ok(last.and_then(|run| run.retention_days).unwrap_or(USUAL_RETENTION_DAYS) * DAY_S)
}

pub(super) async fn retry_horizon(subject: &Subject) -> Result<Finding> {
    let retries = subject.traffic().await?.most_retries.unwrap_or(USUAL_RETRIES);
    Ok(judge_horizon(retries, retention_s(subject).await?))
}

fn judge_horizon(retries: i64, retention_s: f64) -> Finding {
    let summed = u32::try_from(retries).unwrap_or(MOST_RETRIES).min(MOST_RETRIES);
    let horizon: Duration = (0..summed).map(default_backoff).sum();
    let horizon_s = horizon.as_secs_f64();
    let figure =
        format!("{} take {}; retention {}", counted(retries, "retry"), lasting(horizon_s), lasting(retention_s));
    if horizon_s > retention_s {
        return Finding::warned(
            figure,
            "retention deletes the first attempts of a message before its last retry",
            "publish with fewer retries or a shorter Upstash-Retry-Delay, or raise the retention",
        );
    }
    Finding::passed(figure)
}

pub(super) async fn dead_letters(subject: &Subject) -> Result<Finding> {
    Ok(judge_dead_letters(log::kept(&mut *subject.session().await?).await?, &subject.rules))
}

#[expect(clippy::cast_precision_loss, reason = "counts of fewer than 2^53 messages")]
fn judge_dead_letters(kept: Kept, rules: &Rules) -> Finding {
    let oldest_s = kept.oldest_dead_letter_s.unwrap_or_default();
    let figure = format!("{}, {} of them from the last hour", kept.dead_letters, kept.dead_letters_of_an_hour);
    let fix = "list them (GET /v2/dlq), then retry (POST /v2/dlq/retry) or delete them";
    let level = rules.level(&DEAD_LETTERS, kept.dead_letters_of_an_hour as f64);
    if level.is_none() && oldest_s > 7.0 * DAY_S {
        return Finding::warned(
            figure,
            format!("the oldest is {} old: dead letters are not handled", lasting(oldest_s)),
            fix,
        );
    }
    Finding::at(level, figure, DEAD_LETTERS.sentence, fix)
}

pub(super) async fn retention(subject: &Subject) -> Result<Finding> {
    let kept = log::kept(&mut *subject.session().await?).await?;
    Ok(judge_retention(kept, retention_s(subject).await?))
}

fn judge_retention(kept: Kept, retention_s: f64) -> Finding {
    let Some(oldest_s) = kept.oldest_finished_s.into_iter().chain(kept.oldest_dead_letter_s).reduce(f64::max) else {
        return Finding::passed(format!("no message has ended yet; retention {}", lasting(retention_s)));
    };
    let figure = format!("the oldest ended {} ago; retention {}", lasting(oldest_s), lasting(retention_s));
    // One day between runs, and one for a failed run.
    if oldest_s > retention_s + 2.0 * DAY_S {
        return Finding::failed(
            figure,
            "old messages and dead letters are not deleted: the tables grow without bound",
            "see `cleanup`; publish {\"retention\": DAYS} to /api/jobs/cleanup once",
        );
    }
    Finding::passed(figure)
}

pub(super) async fn cleanup(subject: &Subject) -> Result<Finding> {
    Ok(judge_cleanup(runs::last_cleanup(&mut *subject.session().await?).await?))
}

fn judge_cleanup(last: Option<LastRun>) -> Finding {
    match last {
        Some(run) => {
            let days = run.retention_days.unwrap_or_default();
            Finding::passed(format!("completed {} ago, retention {days} days", lasting(run.completed_s)))
        }
        None => Finding::warned(
            "not completed in the last two days",
            "old messages are not deleted, and no partitions are created for the coming days",
            "schedule it daily: POST /v2/schedules/BASE_URL/api/jobs/cleanup with Upstash-Cron: 0 3 * * * and \
             {\"retention\": 90}",
        ),
    }
}

pub(super) async fn partitions(subject: &Subject) -> Result<Finding> {
    Ok(judge_partitions(log::partitions(&mut *subject.session().await?).await?, &subject.rules))
}

#[expect(clippy::cast_precision_loss, reason = "at most three days")]
fn judge_partitions(partitions: Partitions, rules: &Rules) -> Finding {
    let figure = format!(
        "{} with a partition from today on, {} outside of partitions",
        counted(partitions.days, "day"),
        counted(partitions.strays, "row")
    );
    let missing = 3 - partitions.days.min(3);
    let level = rules.level(&PARTITIONS_MISSING, missing as f64);
    if level.is_none() && partitions.strays > 0 {
        return Finding::warned(
            figure,
            "some days had no partition; retention deletes their events row by row",
            "none needed: cleanup-old-data deletes these events when they expire",
        );
    }
    let fix = "select create_day_partitions(7), as each start of `serve` and each cleanup-old-data do; see `cleanup`";
    Finding::at(level, figure, PARTITIONS_MISSING.sentence, fix)
}

#[cfg(test)]
mod tests {
    use super::super::finding::State::{Failed, Passed, Warned};
    use super::*;

    #[test]
    fn retries_must_end_within_the_retention() {
        // Four short ones, then a day each.
        for (retries, days, expected) in
            [(3, 1.0, Passed), (5, 2.0, Passed), (5, 1.0, Warned), (i64::MAX, 3650.0, Warned)]
        {
            assert_eq!(judge_horizon(retries, days * DAY_S).state, expected, "{retries} {days}");
        }
    }

    #[test]
    fn old_things_must_go() {
        let kept = |finished_days: f64, dead_days: f64, of_an_hour| Kept {
            oldest_finished_s: Some(finished_days * DAY_S),
            oldest_dead_letter_s: Some(dead_days * DAY_S),
            dead_letters: of_an_hour,
            dead_letters_of_an_hour: of_an_hour,
        };
        let retention = 90.0 * DAY_S;
        assert_eq!(judge_retention(kept(92.0, 1.0, 1), retention).state, Passed);
        assert_eq!(judge_retention(kept(92.1, 1.0, 1), retention).state, Failed);
        assert_eq!(judge_retention(kept(1.0, 92.1, 1), retention).state, Failed);
        let letters = |days, of_an_hour| judge_dead_letters(kept(0.0, days, of_an_hour), &Rules::default()).state;
        assert_eq!(letters(7.0, 9), Passed);
        assert_eq!(letters(7.1, 1), Warned);
        assert_eq!(letters(0.0, 10), Warned);
        assert_eq!(letters(7.1, 100), Failed);
        assert_eq!(judge_cleanup(None).state, Warned);
    }

    #[test]
    fn log_needs_days_ahead() {
        for (days, strays, expected) in
            [(0, 0, Failed), (1, 0, Warned), (2, 0, Warned), (3, 0, Passed), (8, 1, Warned), (0, 1, Failed)]
        {
            assert_eq!(
                judge_partitions(Partitions { days, strays }, &Rules::default()).state,
                expected,
                "{days} {strays}"
            );
        }
    }
}
