//! The process of one environment: its app, as soon as it can have one.

use std::sync::Arc;

use anyhow::Result;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
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
    /// Begins to start the app. The process asks for its first event meanwhile, which then waits for
    /// what is left of the start.
    pub(super) fn start(config: Config) -> Arc<Self> {
        let process = Arc::new(Self { config, ready: OnceCell::new() });
        let starting = Arc::clone(&process);
        tokio::spawn(async move {
            if let Err(error) = starting.ready().await {
                tracing::warn!(error = format!("{error:#}"), "starting failed; each event retries");
            }
        });
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
                let router = match app.engine() {
                    Some(engine) if engine.is_always_awake() => app.router(),
                    _ => app.router().layer(from_fn_with_state(app.clone(), look_after_changes)),
                };
                let http = serve::lambda_service(router);
                Ok(Ready { app, http })
            })
            .await
    }

    /// The app, if it has been started.
    pub(super) fn app(&self) -> Option<&App> {
        self.ready.get().map(|ready| &ready.app)
    }
}

/// Whatever a request has changed (a queue goes on, a message is due at once) may let something start.
/// Where processes listen the database tells them; here the visit after the answer looks.
async fn look_after_changes(State(app): State<App>, request: Request, next: Next) -> Response {
    let reads = request.method().is_safe();
    let response = next.run(request).await;
    if !reads {
        app.drain();
    }
    response
}
