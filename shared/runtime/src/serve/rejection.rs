//! The response to a connection for which there is no place.

use std::io::Write;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// How long to wait for the request: an HTTP client takes a response that comes before it for a fault.
const REQUEST_TIMEOUT: Duration = Duration::from_millis(500);
/// How long to wait until the client has read the response. A connection that is closed while bytes of the client are
/// unread is reset, and the response may be lost.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(500);
/// Connections that are rejected in this way at once. More get the response at once, and are closed.
const AT_ONCE: usize = 128;

static PLACES: Semaphore = Semaphore::const_new(AT_ONCE);

/// Responds with 503, in bounded time.
pub(super) fn reject(stream: TcpStream) {
    match PLACES.try_acquire() {
        Ok(place) => {
            tokio::spawn(async move {
                let _ = respond(stream).await;
                drop(place);
            });
        }
        // The buffer of a new connection has room for it.
        Err(_) => drop(stream.into_std().and_then(|mut stream| stream.write_all(response().as_bytes()))),
    }
}

async fn respond(mut stream: TcpStream) -> std::io::Result<()> {
    let mut unread = [0; 4096];
    let _ = timeout(REQUEST_TIMEOUT, stream.read(&mut unread)).await;
    stream.write_all(response().as_bytes()).await?;
    stream.shutdown().await?;
    let rest = async { while stream.read(&mut unread).await.is_ok_and(|read| read > 0) {} };
    let _ = timeout(CLOSE_TIMEOUT, rest).await;
    Ok(())
}

fn response() -> String {
    let body = r#"{"error":"too many connections; try again"}"#;
    format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 1\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
}
