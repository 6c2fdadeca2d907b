//! The machine and the programs of a measurement.

use anyhow::Result;
use serde::Serialize;

use crate::neighbours;
use crate::postgres::Postgres;
use crate::series::Series;

/// Variables of `serve` that it inherits from the shell.
const TUNING: [&str; 4] = ["DATABASE_CONNECTIONS", "MAX_IN_FLIGHT", "LEASE_SECONDS", "TOKIO_WORKER_THREADS"];

/// The machine and the programs.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Machine {
    /// When the run began.
    pub(crate) started_at: String,
    pub(crate) cpus: usize,
    pub(crate) system: String,
    pub(crate) sigpost: &'static str,
    /// Whether this is a debug build, whose figures are meaningless.
    pub(crate) debug_build: bool,
    pub(crate) postgres: String,
    /// Read back from the running server.
    pub(crate) fsync: String,
    pub(crate) synchronous_commit: String,
    /// Variables that `serve` inherited, as `NAME=value`.
    pub(crate) tuning: Vec<String>,
    /// CPUs that other programs used while nothing was measured, before each run.
    pub(crate) neighbours_cpus: Series,
}

impl Machine {
    /// Reads all fields except the load of other programs.
    pub(crate) async fn read(postgres: &Postgres) -> Result<Self> {
        let tuning = TUNING.iter().filter_map(|name| Some(format!("{name}={}", std::env::var(name).ok()?)));
        Ok(Self {
            started_at: jiff::Timestamp::now().to_string(),
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            sigpost: env!("CARGO_PKG_VERSION"),
            debug_build: cfg!(debug_assertions),
            postgres: postgres.version().to_owned(),
            fsync: postgres.setting("fsync").await?,
            synchronous_commit: postgres.setting("synchronous_commit").await?,
            tuning: tuning.collect(),
            neighbours_cpus: Series::default(),
        })
    }

    /// Adds the load of other programs at this moment.
    pub(crate) async fn read_neighbours(&mut self) {
        if let Some(cpus) = neighbours::cpus_in_use().await {
            self.neighbours_cpus.push(cpus);
        }
    }
}
