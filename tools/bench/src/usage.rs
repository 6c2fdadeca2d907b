//! What deliveries cost: CPU seconds and memory over a measurement.

use anyhow::Result;
use serde::Serialize;

use crate::postgres::Postgres;
use crate::process::{self, Memory};
use crate::series::Series;
use crate::serve_process::ServeProcess;

/// (e) and (f): what was used, a value a run.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Usage {
    /// CPU seconds of `serve` for 1,000 jobs, from its start on.
    pub(crate) own_cpu_s_per_1000: Series,
    /// CPU seconds of all processes of Postgres for 1,000 jobs.
    pub(crate) postgres_cpu_s_per_1000: Series,
    /// Resident memory of `serve` at the end, in millions of bytes.
    pub(crate) resident_mb: Series,
    /// The most of it that there was; where the system does not say it, the same as at the end.
    pub(crate) peak_mb: Series,
}

/// What Postgres had used when the measurement began.
pub(crate) struct Before {
    postgres_cpu_s: f64,
}

/// Two moments, subtracted.
pub(crate) struct Used {
    own_cpu_s: f64,
    postgres_cpu_s: f64,
    memory: Memory,
}

impl Before {
    /// Reads it, before `serve` is started.
    pub(crate) fn read(postgres: &Postgres) -> Result<Self> {
        Ok(Self { postgres_cpu_s: process::cpu_seconds_with_children(postgres.pid())? })
    }

    /// What has been used since.
    pub(crate) fn until_now(&self, postgres: &Postgres, serve: &ServeProcess) -> Result<Used> {
        Ok(Used {
            own_cpu_s: process::cpu_seconds(serve.pid())?,
            postgres_cpu_s: process::cpu_seconds_with_children(postgres.pid())? - self.postgres_cpu_s,
            memory: process::memory(serve.pid())?,
        })
    }
}

impl Usage {
    /// Adds a run of so many jobs.
    pub(crate) fn push(&mut self, used: &Used, jobs: u64) {
        let per_1000 = |seconds: f64| seconds * 1000.0 / jobs as f64;
        self.own_cpu_s_per_1000.push(per_1000(used.own_cpu_s));
        self.postgres_cpu_s_per_1000.push(per_1000(used.postgres_cpu_s));
        self.resident_mb.push(used.memory.resident_mb);
        self.peak_mb.push(used.memory.peak_mb.unwrap_or(used.memory.resident_mb));
    }
}
