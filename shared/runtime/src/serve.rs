//! Serving a router: as a Lambda function when the Runtime API is there, else on a socket.

mod activity;
mod connections;
mod header_limit;
mod open;
mod rejection;
mod request_body;

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
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

pub use self::request_body::{BYTES_PER_SECOND, BodyTime};
use crate::{ApiError, Memory, Reading, env, traces};

/// Where a server listens unless `LISTEN` says otherwise.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// What a function's `main` ends with: Lambda's loop in a Lambda function, else a
/// server on `LISTEN` (default `127.0.0.1:8080`) until SIGINT or SIGTERM.
pub async fn serve(router: Router) -> Result<()> {
    if env::in_lambda() {
        let ended = lambda_http::run_concurrent(lambda_service(flush_before_it_is_frozen(router))).await;
        return ended.map_err(|why| anyhow!("the Lambda runtime ended: {why}"));
    }
    let listener = bind(env::parsed("LISTEN", LISTEN)?).await?;
    let served = serve_on(listener, router, terminated()).await;
    traces::flush().await;
    served
}

/// `LISTEN`: where a server listens. Default `127.0.0.1:8080`.
pub fn address(reading: &mut Reading) -> SocketAddr {
    reading.parsed("LISTEN", LISTEN)
}

/// Notes what is wrong with `MAX_CONNECTIONS_PER_ADDRESS`: connections that one address may have. Default: a quarter of
/// those of the process.
pub(crate) fn check(reading: &mut Reading) {
    open::check(reading);
}

/// Once a function has answered, nothing of it runs until the next event.
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

/// A router as Lambda's runtime calls it. Answers are whole when they are posted.
pub type LambdaService = BoxCloneSyncService<lambda_http::Request, Response<Full<Bytes>>, lambda_http::Error>;

/// Makes a router what Lambda's runtime calls. After each call it may tell CloudWatch how much memory there is left.
pub fn lambda_service(router: Router) -> LambdaService {
    BoxCloneSyncService::new(service_fn(move |request: lambda_http::Request| {
        let router = router.clone();
        async move {
            let (parts, body) = route(router, request.map(Body::new)).await.into_parts();
            Memory::tell();
            Ok(Response::from_parts(parts, Full::new(body.collect().await?.to_bytes())))
        }
    }))
}

/// Calls the router. A request with too many header fields is rejected, and one whose handler panics gets 500; the panic is
/// in the log. Functions and not layers of the router, which would cost each request two allocations.
async fn route(router: Router, request: Request<Body>) -> Response<Body> {
    if let Err(rejected) = header_limit::check(request.headers()) {
        return rejected.into_response();
    }
    match AssertUnwindSafe(router.oneshot(request)).catch_unwind().await {
        Ok(Ok(response)) => response,
        Err(_panic) => ApiError::internal("a handler panicked").into_response(),
    }
}

/// Binds, with an error that says what to do when the port is taken.
pub async fn bind(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}; is another process there? Choose another port"))
}

/// Serves until `shutdown` completes and the requests under way are answered.
///
/// # Errors
///
/// None at present; the caller ends when this does.
pub async fn serve_on(
    mut listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    let requests = serve_until(&mut listener, router, shutdown).await;
    tracing::info!("stopping: what is under way may end");
    // New connections are refused from here on.
    drop(listener);
    requests.shutdown().await;
    Ok(())
}

/// Serves until `until` completes. New connections wait then, for what serves next on the listener; the requests under
/// way are answered while the returned value is shut down.
pub async fn serve_until(
    listener: &mut TcpListener,
    router: Router,
    until: impl Future<Output = ()>,
) -> GracefulShutdown {
    connections::serve(listener, router, until).await
}

/// Connections that this process has closed, or not accepted, because too many were open.
pub fn closed_connections() -> u64 {
    open::CLOSED.load(Ordering::Relaxed)
}

/// Completes at SIGINT (Ctrl-C) or SIGTERM. They are caught from the call on, not from the first
/// poll: whoever calls this before saying that it serves is stopped in order at any time after.
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

/// A signal that cannot be caught ends the process by itself.
#[cfg(unix)]
async fn received(signal: &mut std::io::Result<tokio::signal::unix::Signal>) {
    match signal {
        Ok(signal) => drop(signal.recv().await),
        Err(_) => std::future::pending().await,
    }
}
