//! The connections of a server. `axum::serve` does the same, but leaves hyper's limits as they are.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::serve::Listener;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tower::{ServiceExt, service_fn};

/// Header fields that the parser reads at most. Above this it answers 431 without a body, and closes.
const PARSED_HEADERS: usize = 4096;

/// Serves until `shutdown` completes, and returns when the open requests have their responses.
pub(super) async fn serve(mut listener: TcpListener, router: Router, shutdown: impl Future<Output = ()>) {
    let mut shutdown = pin!(shutdown);
    let graceful = GracefulShutdown::new();
    loop {
        let (stream, address) = tokio::select! {
            // Errors of single connections are passed over, and those of the system wait a second.
            accepted = Listener::accept(&mut listener) => accepted,
            () = &mut shutdown => break,
        };
        let connection = graceful.watch(connection(stream, address, router.clone()));
        tokio::spawn(async move {
            // A client may close its connection in the middle of a response.
            let _ = connection.await;
        });
    }
    drop(listener);
    graceful.shutdown().await;
}

fn connection(
    stream: TcpStream,
    address: SocketAddr,
    router: Router,
) -> impl hyper_util::server::graceful::GracefulConnection<Error = hyper::Error> {
    // Responses are small and written at once: waiting for more to send only adds latency.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |mut request: http::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(ConnectInfo(address));
        router.clone().oneshot(request.map(axum::body::Body::new))
    });
    http1::Builder::new()
        .max_headers(PARSED_HEADERS)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
}
