//! The bench's handle of the reference.

use std::net::SocketAddr;

use anyhow::{Context, Result};

use crate::child::OwnChild;
use crate::load::connection::Target;
use crate::sink::process::SinkProcess;

/// A running reference.
pub(super) struct ReferenceProcess {
    address: SocketAddr,
    child: OwnChild,
}

impl ReferenceProcess {
    /// Starts it in a mode (`accept`, `deliver` or `both`) on a database with its tables.
    pub(super) async fn start(mode: &str, database_url: &str, sink: &SinkProcess) -> Result<Self> {
        let destination = sink.target().address.to_string();
        let (child, line) = OwnChild::start(&["reference", mode, database_url, &destination]).await?;
        let address = line.parse().with_context(|| format!("the reference's address: {line:?}"))?;
        Ok(Self { address, child })
    }

    /// Its intake.
    pub(super) fn target(&self) -> Target {
        Target::new(self.address, "/".into(), None)
    }

    /// Ends it.
    pub(super) async fn stop(self) -> Result<()> {
        self.child.stop().await
    }
}
