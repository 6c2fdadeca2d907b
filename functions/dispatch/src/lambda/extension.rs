//! Delivery after the response: an internal extension that keeps the environment running.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::{Result, anyhow};
use futures_util::FutureExt;
use jiff::Timestamp;
use lambda_extension::{Extension, LambdaEvent, NextEvent, service_fn};
use lambda_http::lambda_runtime::LambdaInvocation;
use sigpost_runtime::traces;
use tokio::sync::Notify;
use tokio::time::Instant;
use tower::{Layer, Service};

use super::process::Process;
use crate::App;

/// Maximum duration of a Lambda invocation.
const LONGEST: Duration = Duration::from_mins(15);

/// Notified when the response of an event is posted.
#[derive(Default)]
pub(super) struct Answered(Notify);

/// Registers the extension, and returns its loop.
pub(super) async fn register(
    process: Arc<Process>,
    answered: Arc<Answered>,
) -> Result<impl Future<Output = Result<()>>> {
    let visits = service_fn(move |event: LambdaEvent| {
        let (process, answered) = (Arc::clone(&process), Arc::clone(&answered));
        async move {
            if let NextEvent::Invoke(invocation) = event.next {
                answered.0.notified().await;
                visit(&process, instant(invocation.deadline_ms)).await;
                traces::flush().await;
                // Lambda sends no event meanwhile. `cargo lambda watch` does, and this visit served those events too.
                answered.0.notified().now_or_never();
            }
            Ok::<_, lambda_extension::Error>(())
        }
    });
    let extension = Extension::new().with_extension_name("sigpost-visits").with_events(&["INVOKE"]);
    let extension = extension.with_events_processor(visits).register().await;
    let extension = extension.map_err(|why| anyhow!("registering the extension failed: {why}"))?;
    Ok(async move { extension.run().await.map_err(|why| anyhow!("the extension ended: {why}")) })
}

async fn visit(process: &Process, deadline: Instant) {
    let Some(dispatcher) = process.app().and_then(App::dispatcher) else { return };
    if let Err(error) = dispatcher.visit(deadline).await {
        tracing::warn!(%error, "a visit failed; the next one claims due messages");
    }
}

/// Converts Lambda's deadline, a Unix timestamp in milliseconds. `cargo lambda watch` sends 0.
fn instant(deadline_ms: u64) -> Instant {
    if deadline_ms == 0 {
        return Instant::now() + LONGEST;
    }
    let now_ms = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0);
    Instant::now() + Duration::from_millis(deadline_ms.saturating_sub(now_ms))
}

/// Notifies after each event, also after errors.
pub(super) struct AnsweredLayer(pub(super) Arc<Answered>);

impl<S> Layer<S> for AnsweredLayer {
    type Service = AnsweredService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        AnsweredService { inner, answered: Arc::clone(&self.0) }
    }
}

#[derive(Clone)]
pub(super) struct AnsweredService<S> {
    inner: S,
    answered: Arc<Answered>,
}

impl<S> Service<LambdaInvocation> for AnsweredService<S>
where
    S: Service<LambdaInvocation, Future: Send + 'static>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, invocation: LambdaInvocation) -> Self::Future {
        let (answer, answered) = (self.inner.call(invocation), Arc::clone(&self.answered));
        Box::pin(async move {
            let posted = answer.await;
            answered.0.notify_one();
            posted
        })
    }
}
