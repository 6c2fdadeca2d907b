//! Deliveries per second from backlogs: messages that are all accepted before the process that delivers them starts.
//! [`kinds`] lists the backlogs.

mod kinds;

use anyhow::{Context, Result};

use self::kinds::{Compared, Kind};
use crate::arguments::Arguments;
use crate::audit::{self, Counts, Expected};
use crate::limits::{Limit, Limits};
use crate::load;
use crate::load::closed_loop::Extent;
use crate::part::Part;
use crate::progress::{grouped, progress};
use crate::retained::Retained;
use crate::row::{Row, Unit};
use crate::series::Series;
use crate::serve::process::Delivery;
use crate::testbed::Testbed;
use crate::usage::{Before, Usage};

/// Messages of the plain backlog.
pub(crate) const MESSAGES: u64 = 20_000;
/// Publishers that fill a backlog.
pub(crate) const CONNECTIONS: usize = 64;

/// All runs of one kind of backlog.
pub(crate) struct Backlog {
    kind: Kind,
    /// Deliveries, from the first receipt to the last, by the sink's clock.
    per_s: Series,
    /// Accepts while the backlog was filled.
    accepts_per_s: Series,
    pub(crate) usage: Usage,
}

impl Backlog {
    /// The backlogs of the arguments, the plain one first. It is measured too if another one is compared
    /// with it.
    pub(crate) fn all(arguments: &Arguments) -> Vec<Self> {
        let mut kinds = Kind::all(arguments);
        let is_compared = |kind: &Kind| kind.compared == Compared::Plain && arguments.wants(kind.part);
        let needs_plain = kinds.iter().any(is_compared);
        kinds.retain(|kind| arguments.wants(kind.part) || (needs_plain && kind.part == Part::Backlog));
        let backlog =
            |kind| Self { kind, per_s: Series::default(), accepts_per_s: Series::default(), usage: Usage::default() };
        kinds.into_iter().map(backlog).collect()
    }

    /// Whether the reference has this backlog too.
    pub(crate) fn is_plain(&self) -> bool {
        self.kind.part == Part::Backlog
    }

    /// Adds a run. `retained` is the database with retained messages, which is filled when it is first needed.
    pub(crate) async fn measure(&mut self, testbed: &Testbed, retained: &mut Option<Retained>) -> Result<()> {
        let (url, before) = match self.kind.retained {
            Some(messages) => {
                let retained = match retained {
                    Some(retained) => retained,
                    none => none.insert(Retained::create(testbed, messages).await?),
                };
                (retained.url().to_owned(), audit::counts(retained.url()).await?)
            }
            None => (testbed.postgres.fresh_database().await?, Counts::default()),
        };
        self.run(testbed, &url, before).await.with_context(|| self.kind.title.clone())
    }

    async fn run(&mut self, testbed: &Testbed, url: &str, rows_before: Counts) -> Result<()> {
        let (Testbed { postgres, sink, .. }, kind) = (testbed, &self.kind);
        let mut before = Before::read(postgres, url).await?;
        let variables = kind.variables(sink);
        let filling = testbed.serve_with(url, Delivery::Off, &variables).await?;
        let mut target = filling.publish_to(&sink.url(kind.destination));
        target.headers.extend(kind.headers.iter().map(|(name, value)| (*name, (*value).to_owned())));
        target.body_bytes = kind.body_bytes;
        let filled = load::closed(&target, CONNECTIONS, Extent::Steps(kind.messages)).await?;
        filling.stop().await?;
        audit::check_beside(url, rows_before, kind.messages, Expected::Accepted).await?;
        postgres.checkpoint().await?;
        sink.reset().await?;

        before.restart_cpu(postgres)?;
        let serve = testbed.serve_with(url, Delivery::On, &variables).await?;
        sink.received(kind.messages).await?;
        audit::recorded(url).await?;
        let used = before.used(postgres, &serve).await?;
        audit::check_beside(url, rows_before, kind.messages, Expected::Delivered).await?;
        serve.stop().await?;

        let per_second = sink.stats_of(kind.messages).await?.receipts_per_second();
        progress(kind.name, &kind.title, &format!("{}/s", grouped(per_second)));
        self.per_s.push(per_second);
        self.accepts_per_s.push(filled.per_second);
        self.usage.push(&used, self.kind.messages);
        Ok(())
    }

    fn rows(&self, plain: Option<&Series>, limits: &Limits, reference: &Series) -> Vec<Row> {
        let kind = &self.kind;
        let row = Row::new(kind.part, kind.name, &kind.title, Unit::PerSecond, &self.per_s);
        let row = row.with_peak(&self.usage.peak_mb);
        match kind.compared {
            Compared::Reference => {
                let remark = limits.shares(&self.per_s, &[Limit::Http, Limit::Claims]);
                let row = row.beside("the reference", reference).with_remark(remark);
                [vec![row], self.usage.rows(kind.part, kind.name).into()].concat()
            }
            Compared::Plain => match plain {
                Some(plain) => vec![row.beside("the plain backlog", plain)],
                None => vec![row],
            },
            Compared::Rate(name, rate) => {
                let rates = Series::of(&vec![rate; self.per_s.runs().len()]);
                vec![row.beside(name, &rates)]
            }
            Compared::Nothing => {
                let megabytes = self.per_s.median() * kind.body_bytes as f64 / 1e6;
                let accepts = grouped(self.accepts_per_s.median());
                let remark = format!("{megabytes:.0} MB/s of bodies; accepted at {accepts}/s before");
                vec![if kind.part == Part::Bodies { row.with_remark(remark) } else { row }]
            }
        }
    }
}

/// The lines of the report.
pub(crate) fn rows(backlogs: &[Backlog], limits: &Limits, reference: &Series) -> Vec<Row> {
    let plain = backlogs.iter().find(|backlog| backlog.is_plain()).map(|backlog| &backlog.per_s);
    backlogs.iter().flat_map(|backlog| backlog.rows(plain, limits, reference)).collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[test]
    fn compared_backlog_is_measured_beside_the_plain_one() {
        let names = |only: &str| {
            let backlogs = Backlog::all(&Arguments::parse_from(["bench", "--only", only]));
            backlogs.iter().map(|backlog| backlog.kind.name).collect::<Vec<_>>()
        };
        assert_eq!(names("retained"), ["backlog", "retained"]);
        assert_eq!(names("tls"), ["backlog", "tls-http1", "tls-http2"]);
        assert_eq!(names("queue,slow"), ["queue", "slow"]);
        assert!(names("latency").is_empty());
    }
}
