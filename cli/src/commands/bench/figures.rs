//! Everything that a run of the benchmark has measured; `--json` prints it as it is here.

use serde::Serialize;

use super::accepts::Accepts;
use super::backlog::Backlog;
use super::both::Both;
use super::goals::Goal;
use super::handler::HandlerCost;
use super::idle::Idle;
use super::lambda::Lambda;
use super::latency::Latency;
use super::limits::Limits;
use super::machine::Machine;
use super::queue::Queue;
use super::series::Series;

/// What was not asked for is missing.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Figures {
    pub(super) machine: Machine,
    /// Runs of what is measured several times.
    pub(super) runs: usize,
    pub(super) limits: Option<Limits>,
    pub(super) accepts: Vec<Accepts>,
    pub(super) backlog: Option<Backlog>,
    pub(super) both: Option<Both>,
    pub(super) queue: Option<Queue>,
    pub(super) latency: Option<Latency>,
    pub(super) idle: Option<Idle>,
    pub(super) handler: Option<HandlerCost>,
    pub(super) lambda: Option<Lambda>,
    pub(super) ratios: Vec<Ratio>,
    pub(super) goals: Vec<Goal>,
}

/// A figure of sigpost over a limit of the machine in the same run; the median of the runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Ratio {
    pub(super) figure: String,
    pub(super) limit: &'static str,
    pub(super) ratio: f64,
}

impl Figures {
    /// Compares what there is with the limits: everything with HTTP, accepts with commits and
    /// inserts, deliveries with claims.
    pub(super) fn ratios(&self) -> Vec<Ratio> {
        let Some(limits) = &self.limits else { return Vec::new() };
        let (http, inserts) = (("L1", &limits.http_posts_per_s), ("L2", &limits.batched_inserts_per_s));
        let (claims, commits) = (("L3", &limits.batched_claims_per_s), ("L4", &limits.single_commits_per_s));
        let mut ratios = Vec::new();
        let mut compare = |figure: &str, series: &Series, with: &[(&'static str, &_)]| {
            ratios.extend(with.iter().map(|(limit, of)| Ratio {
                figure: figure.to_owned(),
                limit,
                ratio: series.ratio_to(of),
            }));
        };
        for accepts in &self.accepts {
            compare(&format!("accepts_{}", accepts.connections), &accepts.per_s, &[http, inserts, commits]);
        }
        if let Some(backlog) = &self.backlog {
            compare("backlog", &backlog.per_s, &[http, claims]);
        }
        if let Some(both) = &self.both {
            compare("both", &both.per_s, &[http, claims, commits]);
        }
        ratios
    }

    /// The most memory that `serve` took in any run, in millions of bytes.
    pub(super) fn peak_mb(&self) -> Option<f64> {
        let usages = [self.backlog.as_ref().map(|backlog| &backlog.usage), self.both.as_ref().map(|both| &both.usage)];
        usages.into_iter().flatten().map(|usage| usage.peak_mb.max()).reduce(f64::max)
    }
}
