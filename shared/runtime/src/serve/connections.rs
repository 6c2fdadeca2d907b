//! The connections of a server. `axum::serve` does the same, but bounds neither their number nor their time.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::response::{IntoResponse, Response};
use axum::serve::Listener;
use http::{Request, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tower::{ServiceExt, service_fn};

use super::open::{Admission, Open};
use super::request_body;
use crate::ApiError;

/// Header fields that the parser reads at most. Above this it answers 431 without a body, and closes.
const PARSED_HEADERS: usize = 4096;
/// How long the header of a request may take, and how long a connection may be idle between two requests.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a response may stay unread before the connection is closed.
#[cfg(target_os = "linux")]
const UNREAD_MS: u32 = 30_000;

/// Serves until `until` completes, and returns the connections that are open.
pub(super) async fn serve(
    listener: &mut TcpListener,
    router: Router,
    until: impl Future<Output = ()>,
) -> GracefulShutdown {
    let mut until = pin!(until);
    let graceful = GracefulShutdown::new();
    let open = Open::within_limits();
    loop {
        let (stream, address) = tokio::select! {
            // Errors of single connections are passed over, and those of the system wait a second.
            accepted = Listener::accept(listener) => accepted,
            () = &mut until => return graceful,
        };
        let Some(admission) = open.admit(address.ip()) else { continue };
        let admission = Arc::new(admission);
        let connection = graceful.watch(connection(stream, address, router.clone(), Arc::clone(&admission)));
        tokio::spawn(async move {
            tokio::select! {
                // A client may close its connection in the middle of a response.
                _ = connection => {}
                () = admission.evicted() => {}
            }
        });
    }
}

fn connection(
    stream: TcpStream,
    address: SocketAddr,
    router: Router,
    admission: Arc<Admission>,
) -> impl hyper_util::server::graceful::GracefulConnection<Error = hyper::Error> {
    // Responses are small and written at once: waiting for more to send only adds latency.
    let _ = stream.set_nodelay(true);
    #[cfg(target_os = "linux")]
    let _ = rustix::net::sockopt::set_tcp_user_timeout(&stream, UNREAD_MS);
    let service = service_fn(move |request: Request<Incoming>| {
        let (router, busy) = (router.clone(), admission.busy());
        async move {
            let response = respond(router, request, address).await;
            drop(busy);
            Ok::<_, Infallible>(response)
        }
    });
    http1::Builder::new()
        .max_headers(PARSED_HEADERS)
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
}

async fn respond(router: Router, mut request: Request<Incoming>, address: SocketAddr) -> Response {
    if let Err(rejected) = check_host(&request) {
        return rejected.into_response();
    }
    request.extensions_mut().insert(ConnectInfo(address));
    let (request, body_time) = request_body::bound(request);
    let Ok(response) = router.oneshot(request).await;
    // Whatever a route makes of a body that took too long.
    match body_time.and_then(|time| time.late()) {
        Some(late) => late.into_response(),
        None => response,
    }
}

/// A request over HTTP/1.1 has exactly one `Host` (RFC 9112 section 3.2): proxies that read another one than this server
/// would disagree about where it goes.
fn check_host(request: &Request<Incoming>) -> Result<(), ApiError> {
    let count = request.headers().get_all(header::HOST).iter().count();
    if count == 1 || count == 0 && request.version() == http::Version::HTTP_10 {
        return Ok(());
    }
    Err(ApiError::new(StatusCode::BAD_REQUEST, format!("host: the request has {count} Host headers and needs one")))
}
