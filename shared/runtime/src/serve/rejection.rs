//! The response to a rejected connection.

use std::io::Write;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::ApiError;

/// Time to wait for the request: HTTP clients treat a response before their request as an error.
const REQUEST_TIMEOUT: Duration = Duration::from_millis(500);
/// Time to wait until the client has read the response. Closing a connection with unread bytes resets it, and the
/// response may be lost.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(500);
/// Maximum of concurrent rejections of this kind. Further connections get the response immediately, and are closed.
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
        // The send buffer of a new connection is large enough.
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
    let body = ApiError::try_again("too many connections; try again").into_body();
    let json = serde_json::to_string(&body).unwrap_or_default();
    format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 1\r\nconnection: close\r\n\
         sigpost-request-id: {}\r\ncontent-length: {}\r\n\r\n{json}",
        body.request_id,
        json.len()
    )
}
