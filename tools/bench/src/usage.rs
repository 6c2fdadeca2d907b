//! CPU time, memory, storage and WAL of a measurement.

use anyhow::{Context, Result};

use crate::part::Part;
use crate::postgres::{self, Postgres};
use crate::process::{self, Memory};
use crate::row::{Row, Unit};
use crate::series::Series;
use crate::serve::process::ServeProcess;

const WAL: &str = "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint";
const STORED: &str = "select pg_database_size(current_database())";

/// The usage of all runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Usage {
    /// CPU seconds of `serve` for 1,000 messages, from its start.
    serve_cpu_s: Series,
    /// CPU seconds of all processes of Postgres for 1,000 messages, meanwhile.
    postgres_cpu_s: Series,
    /// Resident memory of `serve` at the end, in millions of bytes.
    resident_mb: Series,
    /// The peak of it; where the system does not count that, the memory at the end.
    pub(crate) peak_mb: Series,
    /// Growth of the database for each message, from the first accept to the last record. After a vacuum, as autovacuum
    /// runs it: the space of the queue is reused and does not grow with the number of messages.
    stored_bytes: Series,
    /// WAL for each message, in the same time, with page images.
    wal_bytes: Series,
}

/// The counters when a measurement begins.
pub(crate) struct Before {
    url: String,
    stored_bytes: i64,
    wal_bytes: i64,
    postgres_cpu_s: f64,
}

/// The differences at its end.
pub(crate) struct Used {
    serve_cpu_s: f64,
    postgres_cpu_s: f64,
    memory: Memory,
    stored_bytes: i64,
    wal_bytes: i64,
}

impl Before {
    /// Reads the counters, before the first accept.
    pub(crate) async fn read(postgres: &Postgres, url: &str) -> Result<Self> {
        Ok(Self {
            url: url.to_owned(),
            stored_bytes: stored(url).await?,
            wal_bytes: wal(postgres).await?,
            postgres_cpu_s: process::cpu_seconds_with_children(postgres.pid())?,
        })
    }

    /// Begins to count CPU time, before `serve` is started that is measured.
    pub(crate) fn restart_cpu(&mut self, postgres: &Postgres) -> Result<()> {
        self.postgres_cpu_s = process::cpu_seconds_with_children(postgres.pid())?;
        Ok(())
    }

    /// Reads them again, when every delivery is recorded.
    pub(crate) async fn used(&self, postgres: &Postgres, serve: &ServeProcess) -> Result<Used> {
        // Before the statements below, which use CPU time themselves.
        let (serve_cpu_s, memory) = (process::cpu_seconds(serve.pid())?, process::memory(serve.pid())?);
        let postgres_cpu_s = process::cpu_seconds_with_children(postgres.pid())? - self.postgres_cpu_s;
        let wal_bytes = wal(postgres).await? - self.wal_bytes;
        postgres::connect(&self.url).await?.batch_execute("vacuum").await.context("vacuum")?;
        let stored_bytes = stored(&self.url).await? - self.stored_bytes;
        Ok(Used { serve_cpu_s, postgres_cpu_s, memory, stored_bytes, wal_bytes })
    }
}

impl Usage {
    /// Adds a run of this many messages.
    pub(crate) fn push(&mut self, used: &Used, messages: u64) {
        let messages = messages as f64;
        self.serve_cpu_s.push(used.serve_cpu_s * 1000.0 / messages);
        self.postgres_cpu_s.push(used.postgres_cpu_s * 1000.0 / messages);
        self.resident_mb.push(used.memory.resident_mb);
        self.peak_mb.push(used.memory.peak_mb.unwrap_or(used.memory.resident_mb));
        self.stored_bytes.push(used.stored_bytes as f64 / messages);
        self.wal_bytes.push(used.wal_bytes as f64 / messages);
    }

    /// Lines about CPU time, storage and WAL, for the part `of`.
    pub(crate) fn rows(&self, part: Part, of: &str) -> [Row; 3] {
        let (serve, postgres) = (&self.serve_cpu_s, &self.postgres_cpu_s);
        let both: Vec<f64> =
            serve.runs().iter().zip(postgres.runs()).map(|(serve, postgres)| serve + postgres).collect();
        let row = |name: &str, title: &str, unit, value: &Series| {
            Row::new(part, &format!("{of}-{name}"), &format!("  {title}"), unit, value)
        };
        let remark = format!("serve {:.3} s, Postgres {:.3} s", serve.median(), postgres.median());
        [
            row("cpu", "CPU time of 1,000 messages", Unit::Seconds, &Series::of(&both)).with_remark(remark),
            row("stored", "stored per delivered message", Unit::Bytes, &self.stored_bytes),
            row("wal", "WAL per delivered message", Unit::Bytes, &self.wal_bytes),
        ]
    }
}

async fn stored(url: &str) -> Result<i64> {
    let row = postgres::connect(url).await?.query_one(STORED, &[]).await.context("the size of the database")?;
    Ok(row.get(0))
}

async fn wal(postgres: &Postgres) -> Result<i64> {
    let row = postgres.admin().query_one(WAL, &[]).await.context("the position in the WAL")?;
    Ok(row.get(0))
}
