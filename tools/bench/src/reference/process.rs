//! Handle of the reference process.

use std::net::SocketAddr;

use anyhow::{Context, Result};

use crate::child::OwnChild;
use crate::load::connection::Target;
use crate::sink::process::SinkProcess;

/// Running reference process.
pub(super) struct ReferenceProcess {
    address: SocketAddr,
    child: OwnChild,
}

impl ReferenceProcess {
    /// Starts the process in a mode (`accept`, `deliver` or `both`) on a database with its tables.
    pub(super) async fn start(mode: &str, database_url: &str, sink: &SinkProcess) -> Result<Self> {
        let destination = sink.target().address.to_string();
        let (child, line) = OwnChild::start(&["reference", mode, database_url, &destination]).await?;
        let address = line.parse().with_context(|| format!("the reference's address: {line:?}"))?;
        Ok(Self { address, child })
    }

    /// Returns the target of its intake.
    pub(super) fn target(&self) -> Target {
        Target::new(self.address, "/".into(), None)
    }

    /// Kills the process.
    pub(super) async fn stop(self) -> Result<()> {
        self.child.stop().await
    }
}
