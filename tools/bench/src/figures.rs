//! Everything that a run of the benchmark has measured; `--json` prints it as it is here.

use serde::Serialize;

use crate::accepts::Accepts;
use crate::backlog::Backlog;
use crate::both::Both;
use crate::goals::Goal;
use crate::handler::HandlerCost;
use crate::idle::Idle;
use crate::lambda::Lambda;
use crate::latency::Latency;
use crate::limits::Limits;
use crate::machine::Machine;
use crate::queue::Queue;
use crate::series::Series;

/// What was not asked for is missing.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Figures {
    pub(crate) machine: Machine,
    /// Runs of what is measured several times.
    pub(crate) runs: usize,
    pub(crate) limits: Option<Limits>,
    pub(crate) accepts: Vec<Accepts>,
    pub(crate) backlog: Option<Backlog>,
    pub(crate) both: Option<Both>,
    pub(crate) queue: Option<Queue>,
    pub(crate) latency: Option<Latency>,
    pub(crate) idle: Option<Idle>,
    pub(crate) handler: Option<HandlerCost>,
    pub(crate) lambda: Option<Lambda>,
    pub(crate) ratios: Vec<Ratio>,
    pub(crate) goals: Vec<Goal>,
}

/// A figure of sigpost over a limit of the machine in the same run; the median of the runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Ratio {
    pub(crate) figure: String,
    pub(crate) limit: &'static str,
    pub(crate) ratio: f64,
}

impl Figures {
    /// Compares what there is with the limits: everything with HTTP, accepts with commits and
    /// inserts, deliveries with claims.
    pub(crate) fn ratios(&self) -> Vec<Ratio> {
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
    pub(crate) fn peak_mb(&self) -> Option<f64> {
        let usages = [self.backlog.as_ref().map(|backlog| &backlog.usage), self.both.as_ref().map(|both| &both.usage)];
        usages.into_iter().flatten().map(|usage| usage.peak_mb.max()).reduce(f64::max)
    }
}
