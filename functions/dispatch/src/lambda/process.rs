//! The process of one environment, and the start of its app.

use std::sync::Arc;

use anyhow::Result;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use sigpost_runtime::serve::{self, LambdaService};
use tokio::sync::OnceCell;

use crate::{App, Config};

/// Without a database or its schema, there is no app yet. The process keeps running: the database may be available at the
/// next event, or the next event may apply the schema.
pub(super) struct Process {
    config: Config,
    ready: OnceCell<Ready>,
}

/// The started app.
pub(super) struct Ready {
    pub(super) app: App,
    /// The app's router.
    pub(super) http: LambdaService,
}

impl Process {
    /// Starts the app in the background. The process requests its first event meanwhile, which waits for the start.
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

    /// Returns the app, and starts it if necessary.
    pub(super) async fn ready(&self) -> Result<&Ready> {
        self.ready
            .get_or_try_init(async || {
                let app = App::start(self.config.clone()).await?;
                let router = match app.dispatcher() {
                    Some(dispatcher) if dispatcher.is_always_awake() => app.router(),
                    _ => app.router().layer(from_fn_with_state(app.clone(), look_after_changes)),
                };
                let http = serve::lambda_service(router);
                Ok(Ready { app, http })
            })
            .await
    }

    /// Returns the app if it is started.
    pub(super) fn app(&self) -> Option<&App> {
        self.ready.get().map(|ready| &ready.app)
    }
}

/// Makes the visit after the response query everything, because a change (a resumed queue, a message that is due) may let
/// messages start. Processes that listen are notified by the database instead.
async fn look_after_changes(State(app): State<App>, request: Request, next: Next) -> Response {
    let reads = request.method().is_safe();
    let response = next.run(request).await;
    if !reads {
        app.drain();
    }
    response
}
