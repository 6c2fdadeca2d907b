//! Figures of a report.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use sigpost_store::metrics::milli;
use sigpost_store::reports::{self, OwnerKind, OwnerSums, Period, Step, StepCounts, TypeSums};
use sigpost_store::{Database, Error};

use sigpost_jobs::payloads::generate_report::ReportType;

/// Maximum number of organizations and of users in a report.
const MOST_OWNERS: i64 = 20;

/// A report. Its JSON is the format `json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    pub(crate) report_type: &'static str,
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    pub(crate) totals: Totals,
    /// Step of the series: `hour` or `day`.
    pub(crate) step: &'static str,
    /// Steps in order, without gaps.
    pub(crate) runs: Vec<Bar>,
    pub(crate) by_type: Vec<OfType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) usage: Option<Usage>,
}

/// Sums over all ended runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Totals {
    pub(crate) completed: i64,
    pub(crate) failed: i64,
    pub(crate) failure_rate: f64,
    pub(crate) total_seconds: f64,
}

/// Runs that started in one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Bar {
    pub(crate) begins: Timestamp,
    pub(crate) completed: i64,
    pub(crate) failed: i64,
}

/// Runs of one job type.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OfType {
    #[serde(rename = "type")]
    pub(crate) job_type: String,
    pub(crate) completed: i64,
    pub(crate) failed: i64,
    pub(crate) failure_rate: f64,
    pub(crate) average_ms: Option<f64>,
    pub(crate) p95_ms: Option<f64>,
    pub(crate) total_seconds: f64,
}

/// Runs by organization and by user: the twenty with the most runs each.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Usage {
    pub(crate) organizations: Vec<Owner>,
    pub(crate) users: Vec<Owner>,
}

/// Runs of one organization or user.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Owner {
    /// Null for runs without one.
    pub(crate) id: Option<String>,
    pub(crate) runs: i64,
    pub(crate) failed: i64,
    pub(crate) total_seconds: f64,
}

impl Report {
    /// Reads the figures with several statements on one connection, without a transaction.
    pub(crate) async fn gather(database: &Database, report_type: ReportType, period: Period) -> Result<Self, Error> {
        let mut conn = database.connection().await?;
        let steps = reports::steps(&mut conn, period).await?;
        let types = reports::types(&mut conn, period).await?;
        let usage = match report_type {
            ReportType::Usage => Some(Usage {
                organizations: owners(reports::owners(&mut conn, OwnerKind::Organization, period, MOST_OWNERS).await?),
                users: owners(reports::owners(&mut conn, OwnerKind::User, period, MOST_OWNERS).await?),
            }),
            _ => None,
        };
        Ok(Self::new(report_type, period, &steps, types, usage))
    }

    pub(crate) fn new(
        report_type: ReportType,
        period: Period,
        steps: &[StepCounts],
        types: Vec<TypeSums>,
        usage: Option<Usage>,
    ) -> Self {
        let by_type: Vec<OfType> = types.into_iter().map(OfType::from).collect();
        let completed = by_type.iter().map(|sums| sums.completed).sum();
        let failed = by_type.iter().map(|sums| sums.failed).sum();
        let total_seconds = milli(by_type.iter().map(|sums| sums.total_seconds).sum());
        Self {
            report_type: report_type.as_str(),
            from: period.from,
            to: period.to,
            totals: Totals { completed, failed, failure_rate: rate(completed, failed), total_seconds },
            step: period.step().as_str(),
            runs: bars(period, steps),
            by_type,
            usage,
        }
    }

    /// Returns the title.
    pub(crate) fn title(&self) -> String {
        let kind = if self.usage.is_some() { "Usage" } else { "Analytics" };
        format!("{kind} report, {}", self.period())
    }

    /// Formats the period: `2026-11-01 to 2026-11-30`, with times unless it starts and ends at midnight.
    pub(crate) fn period(&self) -> String {
        let is_midnight = |time: Timestamp| time.as_second() % 86_400 == 0;
        let format = if is_midnight(self.from) && is_midnight(self.to) { "%Y-%m-%d" } else { "%Y-%m-%d %H:%M UTC" };
        // The end is exclusive.
        let last = Timestamp::from_second(self.to.as_second() - 1).unwrap_or(self.to);
        let last = if format.len() == 8 { last } else { self.to };
        let (from, last) = (self.from.strftime(format).to_string(), last.strftime(format).to_string());
        if from == last { from } else { format!("{from} to {last}") }
    }
}

/// Fills missing steps of the period with empty bars.
fn bars(period: Period, steps: &[StepCounts]) -> Vec<Bar> {
    let length = i64::try_from(Step::length(period.step()).as_secs()).unwrap_or(86_400);
    let counts: BTreeMap<i64, &StepCounts> = steps.iter().map(|step| (step.begins_s, step)).collect();
    let first = period.from.as_second().div_euclid(length) * length;
    let begins = std::iter::successors(Some(first), |begin| Some(begin + length));
    let bar = |begin: i64| {
        let (completed, failed) = counts.get(&begin).map_or((0, 0), |step| (step.completed, step.failed));
        Some(Bar { begins: Timestamp::from_second(begin).ok()?, completed, failed })
    };
    begins.take_while(|begin| *begin < period.to.as_second()).filter_map(bar).collect()
}

impl From<TypeSums> for OfType {
    fn from(sums: TypeSums) -> Self {
        let TypeSums { job_type, completed, failed, average_ms, p95_ms, total_s } = sums;
        Self {
            failure_rate: rate(completed, failed),
            job_type,
            completed,
            failed,
            average_ms: average_ms.map(milli),
            p95_ms: p95_ms.map(milli),
            total_seconds: milli(total_s),
        }
    }
}

fn owners(sums: Vec<OwnerSums>) -> Vec<Owner> {
    let owner = |OwnerSums { id, runs, failed, total_s }| Owner { id, runs, failed, total_seconds: milli(total_s) };
    sums.into_iter().map(owner).collect()
}

#[expect(clippy::cast_precision_loss, reason = "a share of fewer than 2^53 runs")]
fn rate(completed: i64, failed: i64) -> f64 {
    if completed + failed == 0 { 0.0 } else { failed as f64 / (completed + failed) as f64 }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn time(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn period(from: &str, to: &str) -> Period {
        Period { from: time(from), to: time(to) }
    }

    /// With texts that mean something in HTML and in PDF.
    pub(crate) fn sample() -> Report {
        let steps = [StepCounts { begins_s: time("2026-11-02T00:00:00Z").as_second(), completed: 97, failed: 3 }];
        let types = vec![TypeSums {
            job_type: "a <b> (c) & d".into(),
            completed: 97,
            failed: 3,
            average_ms: Some(12.345_67),
            p95_ms: Some(40.0),
            total_s: 1.25,
        }];
        let owner = |id: Option<&str>| Owner { id: id.map(str::to_owned), runs: 50, failed: 1, total_seconds: 0.5 };
        let usage = Usage { organizations: vec![owner(Some("org_1")), owner(None)], users: vec![owner(Some("Zoë"))] };
        let period = period("2026-11-01T00:00:00Z", "2026-11-08T00:00:00Z");
        Report::new(ReportType::Usage, period, &steps, types, Some(usage))
    }

    #[test]
    fn every_step_has_a_bar() {
        let report = sample();
        assert_eq!((report.step, report.runs.len()), ("day", 7));
        assert_eq!((report.runs[1].completed, report.runs[1].failed, report.runs[6].completed), (97, 3, 0));
        let hours = Report::new(
            ReportType::Analytics,
            period("2026-11-01T10:30:00Z", "2026-11-01T13:30:00Z"),
            &[],
            Vec::new(),
            None,
        );
        let begins: Vec<String> = hours.runs.iter().map(|bar| bar.begins.to_string()).collect();
        assert_eq!((hours.step, begins.len(), begins[0].as_str()), ("hour", 4, "2026-11-01T10:00:00Z"));
    }

    #[test]
    fn title_names_days_or_moments() {
        assert_eq!(sample().title(), "Usage report, 2026-11-01 to 2026-11-07");
        let of =
            |from: &str, to: &str| Report::new(ReportType::Analytics, period(from, to), &[], Vec::new(), None).title();
        assert_eq!(of("2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"), "Analytics report, 2026-11-01");
        assert_eq!(
            of("2026-11-01T10:30:00Z", "2026-11-01T13:30:00Z"),
            "Analytics report, 2026-11-01 10:30 UTC to 2026-11-01 13:30 UTC"
        );
    }

    #[test]
    fn nothing_is_a_report_too() {
        let empty = Report::new(
            ReportType::Analytics,
            period("2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"),
            &[],
            Vec::new(),
            None,
        );
        assert_eq!(empty.totals, Totals::default());
    }
}
