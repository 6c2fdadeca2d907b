//! Serving a router: as a Lambda function when the Runtime API is there, else on a socket.

use std::future::Future;
use std::net::SocketAddr;

use anyhow::{Context, Result};
use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;

use crate::env;

/// What a function's `main` ends with: Lambda's loop when `AWS_LAMBDA_RUNTIME_API` is set, else a
/// server on `LISTEN` (default `127.0.0.1:8080`) until SIGINT or SIGTERM.
pub async fn serve(router: Router) -> Result<()> {
    if std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_some() {
        return lambda_http::run(router).await.map_err(|why| anyhow::anyhow!("the Lambda runtime ended: {why}"));
    }
    let address: SocketAddr = env::parsed("LISTEN", SocketAddr::from(([127, 0, 0, 1], 8080)))?;
    let listener = bind(address).await?;
    serve_on(listener, router, terminated()).await
}

/// Binds, with an error that says what to do when the port is taken.
pub async fn bind(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}; is another process there? Choose another port"))
}

/// Serves until `shutdown` completes and the requests under way are answered.
pub async fn serve_on(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    // Answers are small and written at once: waiting for more to send only adds latency.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(shutdown)
        .await
        .context("the server ended")
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
