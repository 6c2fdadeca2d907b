//! Limits of the machine, measured in the same minutes as sigpost: the rates of minimal code for one part of the work.

mod claims;
mod inserts;

use std::time::Duration;

use anyhow::{Context, Result};

use crate::load;
use crate::load::closed_loop::Extent;
use crate::postgres::Postgres;
use crate::progress::{grouped, progress};
use crate::row::{Row, Unit};
use crate::series::Series;
use crate::sink::process::SinkProcess;

/// Connections of the limits that have many.
const CONNECTIONS: usize = 32;
const HTTP: &str = "HTTP posts to the sink, 32 connections";
const INSERTS: &str = "inserts, 100 rows per statement, 1 client";
const CLAIMS: &str = "claim and complete, 100 per statement, 1 client";
const COMMITS: &str = "inserts, one row per commit, 32 clients";

/// Four limits, each of them per second.
#[derive(Clone, Debug, Default)]
pub(crate) struct Limits {
    /// L1. Upper bound of accepts over HTTP from this load generator.
    pub(crate) http: Series,
    /// L2.
    pub(crate) inserts: Series,
    /// L3.
    pub(crate) claims: Series,
    /// L4.
    pub(crate) commits: Series,
}

impl Limits {
    /// Adds a run.
    pub(crate) async fn measure(&mut self, postgres: &Postgres, sink: &SinkProcess, window: Duration) -> Result<()> {
        sink.reset().await?;
        let posts = load::closed(&sink.target(), CONNECTIONS, Extent::Window(window)).await.context("L1")?;
        add(&mut self.http, "L1", HTTP, posts.per_second);
        let url = postgres.fresh_database().await?;
        add(&mut self.inserts, "L2", INSERTS, inserts::batched(&url, window).await.context("L2")?);
        let url = postgres.fresh_database().await?;
        add(&mut self.claims, "L3", CLAIMS, claims::batched(postgres, &url).await.context("L3")?);
        let url = postgres.fresh_database().await?;
        add(&mut self.commits, "L4", COMMITS, inserts::single(&url, CONNECTIONS, window).await.context("L4")?);
        Ok(())
    }

    /// Returns the rows of the report.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let limits = [
            ("L1", HTTP, &self.http),
            ("L2", INSERTS, &self.inserts),
            ("L3", CLAIMS, &self.claims),
            ("L4", COMMITS, &self.commits),
        ];
        let row = |(name, title, value): (&str, &str, &Series)| {
            Row::limit(name, &format!("{name} {title}"), Unit::PerSecond, value)
        };
        limits.map(row).into()
    }

    /// Formats the share of these limits that a figure reaches, as the median of the runs.
    pub(crate) fn shares(&self, figure: &Series, limits: &[Limit]) -> String {
        let share = |limit: &Limit| {
            let (name, of) = match limit {
                Limit::Http => ("L1", &self.http),
                Limit::Inserts => ("L2", &self.inserts),
                Limit::Claims => ("L3", &self.claims),
                Limit::Commits => ("L4", &self.commits),
            };
            format!("{:.0} % of {name}", figure.ratio_to(of) * 100.0)
        };
        limits.iter().map(share).collect::<Vec<_>>().join(", ")
    }
}

/// A limit to compare with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limit {
    Http,
    Inserts,
    Claims,
    Commits,
}

fn add(series: &mut Series, name: &str, title: &str, per_second: f64) {
    progress(name, title, &format!("{}/s", grouped(per_second)));
    series.push(per_second);
}
