//! The connections of a server. Unlike `axum::serve`, it bounds their number and their time.

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
use http::{Request, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tower::service_fn;

use super::answer::Asked;
use super::open::{Admission, Busy, Open};
use super::rejection::reject;
use super::request_body;
use crate::ApiError;

/// Maximum of header fields that the parser reads. Above it, hyper responds with 431 without a body, and closes the
/// connection.
const PARSED_HEADERS: usize = 4096;
/// Time in which a request's header must arrive, and maximum idle time between two requests.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// Time after which a connection with an unread response is closed.
#[cfg(target_os = "linux")]
const UNREAD_MS: u32 = 30_000;

/// Serves until `until` completes, and returns the open connections.
pub(super) async fn serve(
    listener: &mut TcpListener,
    router: Router,
    until: impl Future<Output = ()>,
) -> GracefulShutdown {
    serve_within(Open::within_limits(), listener, router, until).await
}

async fn serve_within(
    open: Open,
    listener: &mut TcpListener,
    router: Router,
    until: impl Future<Output = ()>,
) -> GracefulShutdown {
    let mut until = pin!(until);
    let graceful = GracefulShutdown::new();
    loop {
        let (stream, address) = tokio::select! {
            // Errors of single connections are ignored; after errors of the system, accepting pauses for a second.
            accepted = Listener::accept(listener) => accepted,
            () = &mut until => return graceful,
        };
        let Some(admission) = open.admit(address.ip()) else {
            reject(stream);
            continue;
        };
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
    // Responses are small and written in one call: delaying them only adds latency.
    let _ = stream.set_nodelay(true);
    #[cfg(target_os = "linux")]
    let _ = rustix::net::sockopt::set_tcp_user_timeout(&stream, UNREAD_MS);
    let service = service_fn(move |request: Request<Incoming>| {
        let (router, busy) = (router.clone(), admission.busy());
        async move { Ok::<_, Infallible>(respond(router, request, address, busy).await) }
    });
    http1::Builder::new()
        .max_headers(PARSED_HEADERS)
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
}

async fn respond(router: Router, request: Request<Incoming>, address: SocketAddr, busy: Busy) -> Response {
    Asked::of(&request).answer(handle(router, request, address, busy)).await
}

async fn handle(router: Router, mut request: Request<Incoming>, address: SocketAddr, busy: Busy) -> Response {
    if let Err(rejected) = check_host(&request) {
        return rejected.into_response();
    }
    request.extensions_mut().insert(ConnectInfo(address));
    let (request, body_time) = request_body::bound(request, &busy);
    let response = super::route(router, request).await;
    // Takes precedence over the route's own response to a body that took too long.
    match body_time.and_then(|time| time.late()) {
        Some(late) => late.into_response(),
        None => response,
    }
}

/// Checks that a request over HTTP/1.1 has exactly one `Host` (RFC 9112 section 3.2): otherwise a proxy could route
/// by another one than this server.
fn check_host(request: &Request<Incoming>) -> Result<(), ApiError> {
    let count = request.headers().get_all(header::HOST).iter().count();
    if count == 1 || count == 0 && request.version() == http::Version::HTTP_10 {
        return Ok(());
    }
    Err(ApiError::bad_request(format!("host: the request has {count} Host headers, expected 1")))
}

#[cfg(test)]
mod tests {
    use axum::routing::{get, post};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::{sleep, timeout};

    use super::*;

    /// Serves `POST /`, which reads its body, and `GET /pending`, which gets no response, for at most four
    /// connections.
    async fn serve_four() -> SocketAddr {
        let mut listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let router = Router::new()
            .route("/", post(async |_: bytes::Bytes| "read"))
            .route("/pending", get(async || std::future::pending::<()>().await));
        tokio::spawn(async move {
            serve_within(Open::new(8, 4), &mut listener, router, std::future::pending()).await;
        });
        address
    }

    async fn send(address: SocketAddr, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        stream.write_all(request.as_bytes()).await.expect("written");
        stream
    }

    /// Returns the bytes received until the connection was closed, or until a second has passed.
    async fn received(stream: &mut TcpStream) -> String {
        let mut response = Vec::new();
        let _ = timeout(Duration::from_secs(1), stream.read_to_end(&mut response)).await;
        String::from_utf8(response).expect("text")
    }

    const WHOLE: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx";
    const STALLED: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx";
    const PENDING: &str = "GET /pending HTTP/1.1\r\nHost: a\r\n\r\n";

    #[tokio::test]
    async fn stalled_bodies_give_way_and_connections_in_use_stay() {
        let address = serve_four().await;
        let mut in_use = send(address, WHOLE).await;
        assert!(received(&mut in_use).await.starts_with("HTTP/1.1 200 "));
        let mut stalled = Vec::new();
        for _ in 0..20 {
            stalled.push(send(address, STALLED).await);
        }
        for _ in 0..4 {
            let mut new = send(address, &WHOLE.replace("Host: a", "Host: a\r\nConnection: close")).await;
            assert!(received(&mut new).await.ends_with("read"));
        }
        in_use.write_all(WHOLE.as_bytes()).await.expect("written");
        assert!(received(&mut in_use).await.ends_with("read"));
    }

    #[tokio::test]
    async fn a_connection_without_a_place_gets_503() {
        let address = serve_four().await;
        let mut pending = Vec::new();
        for _ in 0..4 {
            pending.push(send(address, PENDING).await);
        }
        // Until their requests are handled: earlier, these connections can be closed.
        sleep(Duration::from_millis(300)).await;
        for request in [WHOLE, ""] {
            let mut new = send(address, request).await;
            let response = received(&mut new).await;
            assert!(response.starts_with("HTTP/1.1 503 ") && response.contains("retry-after: 1\r\n"), "{response}");
            let (head, body) = response.split_once("\r\n\r\n").expect("a body");
            let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
            assert_eq!(body["error"], "too many connections; try again");
            let id = body["requestId"].as_str().expect("an ID");
            assert!(head.contains(&format!("sigpost-request-id: {id}")), "{response}");
        }
        drop(pending);
    }
}
