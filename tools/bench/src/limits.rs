//! The machine's own limits, measured in the same minutes as sigpost: what the least code reaches
//! that does only one part of the work.

use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::closed_loop::Extent;
use crate::postgres::Postgres;
use crate::progress::{grouped, progress};
use crate::series::Series;
use crate::sink_process::SinkProcess;
use crate::{claim_limit, insert_limits, load};

/// Connections of the limits that have many.
const CONNECTIONS: usize = 32;

/// Four limits, each of them per second.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Limits {
    /// L1: jobs posted to the sink over 32 connections, and answered. No server that takes jobs over
    /// HTTP from this generator accepts more.
    pub(crate) http_posts_per_s: Series,
    /// L2: rows inserted by one client, 100 a statement.
    pub(crate) batched_inserts_per_s: Series,
    /// L3: jobs claimed and completed by one client, 100 a statement.
    pub(crate) batched_claims_per_s: Series,
    /// L4: rows inserted by 32 clients, each row a commit.
    pub(crate) single_commits_per_s: Series,
}

impl Limits {
    /// Adds a run.
    pub(crate) async fn measure(&mut self, postgres: &Postgres, sink: &SinkProcess, window: Duration) -> Result<()> {
        sink.reset().await?;
        let posts = load::closed(&sink.target(), CONNECTIONS, Extent::Window(window)).await;
        let posts = posts.context("L1, HTTP posts to the sink")?;
        progress("L1", "HTTP posts to the sink, 32 connections", &format!("{}/s", grouped(posts.per_second)));
        self.http_posts_per_s.push(posts.per_second);

        let url = postgres.fresh_database().await?;
        let inserts = insert_limits::batched(&url, window).await.context("L2, batched inserts")?;
        progress("L2", "inserts, 100 rows a statement, 1 client", &format!("{}/s", grouped(inserts)));
        self.batched_inserts_per_s.push(inserts);

        let url = postgres.fresh_database().await?;
        let claims = claim_limit::batched(postgres, &url).await.context("L3, batched claims and completions")?;
        progress("L3", "claim and complete, 100 a statement, 1 client", &format!("{}/s", grouped(claims)));
        self.batched_claims_per_s.push(claims);

        let url = postgres.fresh_database().await?;
        let commits = insert_limits::single(&url, CONNECTIONS, window).await.context("L4, single-row commits")?;
        progress("L4", "inserts, a row a commit, 32 clients", &format!("{}/s", grouped(commits)));
        self.single_commits_per_s.push(commits);
        Ok(())
    }
}
