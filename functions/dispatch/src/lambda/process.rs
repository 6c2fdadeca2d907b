//! The process of one environment: its app, as soon as it can have one.

use anyhow::Result;
use sigpost_runtime::serve::{self, LambdaService};
use tokio::sync::OnceCell;

use crate::{App, Config};

/// Without a database, or without its schema, there is no app yet. Such a process is not ended: the
/// next event may find the database, or be the one that applies the schema.
pub(super) struct Process {
    config: Config,
    ready: OnceCell<Ready>,
}

/// What answers and delivers.
pub(super) struct Ready {
    pub(super) app: App,
    /// The app's router.
    pub(super) http: LambdaService,
}

impl Process {
    /// Starts the app, if that can be done now: before the first event, when it costs no request any time.
    pub(super) async fn start(config: Config) -> Self {
        let process = Self { config, ready: OnceCell::new() };
        if let Err(error) = process.ready().await {
            tracing::warn!(error = format!("{error:#}"), "not ready yet; every event tries again");
        }
        process
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    /// The app, started now if it was not.
    pub(super) async fn ready(&self) -> Result<&Ready> {
        self.ready
            .get_or_try_init(async || {
                let app = App::start(self.config.clone()).await?;
                let http = serve::lambda_service(app.router());
                Ok(Ready { app, http })
            })
            .await
    }

    /// The app, if it has been started.
    pub(super) fn app(&self) -> Option<&App> {
        self.ready.get().map(|ready| &ready.app)
    }
}
