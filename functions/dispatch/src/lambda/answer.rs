//! Responses to events.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use anyhow::Result;
use futures_util::FutureExt;
use lambda_http::lambda_runtime::{Diagnostic, LambdaEvent};
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Error};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use sigpost_runtime::ApiError;
use sigpost_runtime::serve::lambda_service;
use sigpost_store::{Database, migrate, retention};
use tower::Service;

use super::event::{Direct, Event, read};
use super::process::Process;
use super::publish::publish;
use crate::{App, Firing};

/// Handles HTTP requests with the router, and direct invocations of the deployment.
#[derive(Clone)]
pub(super) struct Answering(pub(super) Arc<Process>);

impl Answering {
    async fn http(self, request: LambdaRequest, context: lambda_http::Context) -> Result<Value, Error> {
        let service = match self.0.ready().await {
            Ok(ready) => ready.http.clone(),
            Err(error) => {
                let text = format!("{error:#}");
                let reject = async move || ApiError::unavailable(text);
                lambda_service(axum::Router::new().fallback(reject))
            }
        };
        let response = Adapter::from(service).call(LambdaEvent::new(request, context)).await?;
        Ok(serde_json::to_value(response)?)
    }

    async fn app(&self) -> Result<&App> {
        Ok(&self.0.ready().await?.app)
    }

    /// Handles a direct invocation. Lambda retries an error according to the schedule. Futures that borrow across awaits
    /// are boxed, because the compiler cannot prove that they are `Send`.
    async fn direct(self, direct: Direct) -> Result<Value> {
        Ok(match direct {
            // There is no app before the first migration.
            Direct::Migrate => {
                let database = Database::new(&self.0.config().database_url.0, 1)?;
                json!({ "applied": migrate::up(&database).await? })
            }
            Direct::Tick => json!({ "due": self.app().await?.tick().boxed().await? }),
            Direct::Drain => json!({ "due": self.app().await?.drain() }),
            Direct::Firing { schedule, time } => match self.app().await?.fire(&schedule, time).boxed().await? {
                Firing::Published(messages) => json!({ "published": messages }),
                Firing::Rejected(why) => json!({ "rejected": why }),
                Firing::Skipped(why) => json!({ "skipped": format!("{why:?}") }),
            },
            Direct::Reconcile => {
                let app = self.app().await?;
                retention::ensure_days(&mut *app.database().connection().await?).await?;
                json!({ "drift": app.reconcile().boxed().await? })
            }
            Direct::Publish { url, body, time } => publish(self.app().await?, &url, &body, time).await?,
        })
    }
}

impl Service<LambdaEvent<Box<RawValue>>> for Answering {
    type Response = Value;
    type Error = Diagnostic;
    type Future = Pin<Box<dyn Future<Output = Result<Value, Diagnostic>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Diagnostic>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, event: LambdaEvent<Box<RawValue>>) -> Self::Future {
        let answering = self.clone();
        Box::pin(async move {
            match read(event.payload.get()) {
                Ok(Event::Http(request)) => Ok(answering.http(*request, event.context).await?),
                Ok(Event::Direct(direct)) => answering.direct(direct).await.map_err(|error| diagnostic(&error)),
                Err(error) => Err(diagnostic(&error)),
            }
        })
    }
}

fn diagnostic(error: &anyhow::Error) -> Diagnostic {
    tracing::error!(error = format!("{error:#}"), "an invocation failed");
    Diagnostic { error_type: "sigpost".into(), error_message: error.to_string() }
}
