//! Serves a router: as a Lambda function if the Runtime API is available, else on a socket.

mod activity;
mod answer;
mod connections;
mod header_limit;
mod open;
mod rejection;
mod request_body;

use std::future::Future;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;

use anyhow::{Context, Result, anyhow};
use axum::Router;
use axum::body::Body;
use axum::middleware::{Next, from_fn};
use axum::response::IntoResponse;
use bytes::Bytes;
use futures_util::FutureExt;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tower::util::BoxCloneSyncService;
use tower::{ServiceExt, service_fn};

use self::answer::Asked;
pub use self::request_body::{BYTES_PER_SECOND, BodyTime};
use crate::settings::LISTEN;
use crate::{ApiError, Memory, Reading, env, traces};

/// Serves the router: in a Lambda function with Lambda's loop, elsewhere with a server on `LISTEN` (default
/// `127.0.0.1:8080`) until SIGINT or SIGTERM.
pub async fn serve(router: Router) -> Result<()> {
    if env::in_lambda() {
        let ended = lambda_http::run_concurrent(lambda_service(flush_before_it_is_frozen(router))).await;
        return ended.map_err(|why| anyhow!("the Lambda runtime ended: {why}"));
    }
    let listener = bind(env::parsed(LISTEN)?).await?;
    let served = serve_on(listener, router, terminated()).await;
    traces::flush().await;
    served
}

/// Reads `LISTEN`, the address of the server. Default `127.0.0.1:8080`.
pub fn address(reading: &mut Reading) -> SocketAddr {
    reading.parsed(LISTEN)
}

/// Checks `MAX_CONNECTIONS_PER_ADDRESS`, the maximum of connections from one address. Default: a quarter of those of
/// the process.
pub(crate) fn check(reading: &mut Reading) {
    open::check(reading);
}

/// Exports spans before each response: after it, the function is frozen until the next event.
fn flush_before_it_is_frozen(router: Router) -> Router {
    if env::on_managed_instances() || !traces::are_on() {
        return router;
    }
    router.layer(from_fn(async |request, next: Next| {
        let response = next.run(request).await;
        traces::flush().await;
        response
    }))
}

/// A router as Lambda's runtime calls it. Responses have complete bodies.
pub type LambdaService = BoxCloneSyncService<lambda_http::Request, Response<Full<Bytes>>, lambda_http::Error>;

/// Converts a router for Lambda's runtime. After a call it may emit the metric of memory use.
pub fn lambda_service(router: Router) -> LambdaService {
    BoxCloneSyncService::new(service_fn(move |request: lambda_http::Request| {
        let router = router.clone();
        async move {
            let answer = Asked::of(&request).answer(route(router, request.map(Body::new)));
            let (parts, body) = answer.await.into_parts();
            Memory::tell();
            Ok(Response::from_parts(parts, Full::new(body.collect().await?.to_bytes())))
        }
    }))
}

/// Calls the router. Rejects a request with too many header fields; a panic of a handler is logged and becomes 500.
/// These are functions and not layers of the router, which would cost each request two allocations.
async fn route(router: Router, request: Request<Body>) -> Response<Body> {
    if let Err(rejected) = header_limit::check(request.headers()) {
        return rejected.into_response();
    }
    match AssertUnwindSafe(router.oneshot(request)).catch_unwind().await {
        Ok(Ok(response)) => response,
        Err(_panic) => ApiError::internal("a handler panicked").into_response(),
    }
}

/// Binds the address. The error explains a port that is in use.
pub async fn bind(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}; if another process uses the port, choose another one"))
}

/// Serves until `shutdown` completes and the requests in flight have their responses.
///
/// # Errors
///
/// None at present; the process ends when this returns.
pub async fn serve_on(
    mut listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    let requests = serve_until(&mut listener, router, shutdown).await;
    tracing::info!("graceful shutdown: waiting for requests in flight");
    // New connections are refused from here on.
    drop(listener);
    requests.shutdown().await;
    Ok(())
}

/// Serves until `until` completes. New connections then wait for the next server on the listener; the requests in
/// flight get their responses while the returned value is shut down.
pub async fn serve_until(
    listener: &mut TcpListener,
    router: Router,
    until: impl Future<Output = ()>,
) -> GracefulShutdown {
    connections::serve(listener, router, until).await
}

/// Returns the number of connections that this process closed or rejected because too many were open.
pub fn closed_connections() -> u64 {
    open::CLOSED.load(Ordering::Relaxed)
}

/// Completes at SIGINT (Ctrl-C) or SIGTERM. The signals are caught from this call on, not from the first poll: call
/// it before announcing that the server is ready.
pub fn terminated() -> impl Future<Output = ()> + Send + 'static {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut signals = [SignalKind::interrupt(), SignalKind::terminate()].map(signal);
        async move {
            let [interrupt, terminate] = &mut signals;
            tokio::select! {
                () = received(interrupt) => {}
                () = received(terminate) => {}
            }
        }
    }
    #[cfg(not(unix))]
    async {
        drop(tokio::signal::ctrl_c().await);
    }
}

/// A signal that cannot be caught terminates the process.
#[cfg(unix)]
async fn received(signal: &mut std::io::Result<tokio::signal::unix::Signal>) {
    match signal {
        Ok(signal) => drop(signal.recv().await),
        Err(_) => std::future::pending().await,
    }
}
