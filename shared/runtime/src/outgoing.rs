//! The HTTP client for deliveries: keep-alive, no redirects, no proxies, and the address policy in its resolver.
//!
//! Two clients do the work. `Plain` sends `http://` requests over HTTP/1.1 connections of its own: with it `serve`
//! needs a quarter less CPU for a delivery. `Encrypted` sends `https://` requests with reqwest, over HTTP/1.1 or HTTP/2.

mod encrypted;
mod established;
mod failure;
mod plain;
mod resolver;

use std::time::Duration;

use anyhow::Result;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body_util::BodyExt;
use hyper::body::Body;
use reqwest::Request;

use self::encrypted::Encrypted;
pub use self::failure::Failure;
use self::plain::Plain;
use crate::AddressPolicy;

/// How long a connection may take to be made, with the name resolution.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an idle connection is kept for the next request to the same host.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// Header fields that a response may have. hyper's default of 100 fails the attempt of a destination that has more.
const MAX_RESPONSE_HEADERS: usize = 4096;

/// A response. Its body may be only the beginning.
#[derive(Clone, Debug)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// All header fields.
    pub headers: HeaderMap,
    /// As many bytes of the body as were asked for.
    pub body: Bytes,
}

/// The connections that a request may be sent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connections {
    /// An idle one, if there is one.
    Reused,
    /// One that is made for the request.
    New,
}

/// A client that connects only where the policy allows. Addresses written into a URL never pass
/// through the resolver: check the URL with [`AddressPolicy::check_url`] before each request.
pub struct Client {
    plain: Plain,
    encrypted: Encrypted,
}

impl Client {
    /// Creates a client without connections.
    ///
    /// # Errors
    ///
    /// The platform's certificates cannot be read.
    pub fn new(policy: &AddressPolicy) -> Result<Self> {
        Ok(Self { plain: Plain::new(policy), encrypted: Encrypted::new(policy)? })
    }

    /// Sends the request, and reads at most `body_bytes` of the response's body. The connection of a longer one is
    /// closed.
    ///
    /// # Errors
    ///
    /// There is no complete response. [`Failure::is_repeatable`] tells whether the request should be sent once more, on
    /// a [new](Connections::New) connection.
    pub async fn send(
        &self,
        request: Request,
        connections: Connections,
        body_bytes: usize,
    ) -> Result<Response, Failure> {
        match request.url().scheme() {
            "http" => self.plain.send(request, connections, body_bytes).await,
            // Boxed: its future is several times as large.
            _ => Box::pin(self.encrypted.send(request, connections, body_bytes)).await,
        }
    }
}

/// Reads a response. Also returns whether its body was read to the end.
async fn read<B>(response: http::Response<B>, body_bytes: usize) -> Result<(Response, bool), B::Error>
where
    B: Body<Data = Bytes> + Unpin,
{
    let (head, mut body) = response.into_parts();
    let mut kept = BytesMut::new();
    let mut is_complete = true;
    while let Some(frame) = body.frame().await {
        let Ok(chunk) = frame?.into_data() else { continue };
        let room = body_bytes - kept.len();
        kept.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if kept.len() == body_bytes {
            is_complete = chunk.len() <= room && body.is_end_stream();
            break;
        }
    }
    Ok((Response { status: head.status.as_u16(), headers: head.headers, body: kept.freeze() }, is_complete))
}

#[cfg(test)]
mod tests {
    use reqwest::Method;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    /// A server that responds to so many requests on each of its connections, and closes it at the next one.
    async fn server(responses: &'static [usize]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/", listener.local_addr().expect("address"));
        tokio::spawn(async move {
            for responses in responses {
                let (mut socket, _) = listener.accept().await.expect("a client");
                for _ in 0..*responses {
                    assert!(socket.read(&mut [0; 4096]).await.expect("a request") > 0);
                    socket.write_all(OK).await.expect("written");
                }
                assert!(socket.read(&mut [0; 4096]).await.expect("a request") > 0);
            }
        });
        url
    }

    /// Both clients send without TLS here: which connection failed does not depend on it.
    async fn send(client: &Client, encrypted: bool, url: &str, connections: Connections) -> Result<Response, Failure> {
        let request = Request::new(Method::GET, url.parse().expect("a URL"));
        match encrypted {
            true => client.encrypted.send(request, connections, 1024).await,
            false => client.plain.send(request, connections, 1024).await,
        }
    }

    #[tokio::test]
    async fn a_request_is_repeatable_if_a_reused_connection_was_closed() {
        for encrypted in [true, false] {
            let client = Client::new(&AddressPolicy::with_loopback()).expect("a client");
            let url = server(&[1, 0, 1]).await;
            let response = send(&client, encrypted, &url, Connections::Reused).await.expect("a response");
            assert_eq!((response.status, &response.body[..]), (200, &b"ok"[..]));
            let failure = send(&client, encrypted, &url, Connections::Reused).await.expect_err("closed");
            assert!(failure.is_repeatable(), "{failure}");
            let failure = send(&client, encrypted, &url, Connections::New).await.expect_err("closed");
            assert!(!failure.is_repeatable(), "{failure}");
            send(&client, encrypted, &url, Connections::Reused).await.expect("a response");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_to_this_machine_is_rejected() {
        for encrypted in [true, false] {
            let client = Client::new(&AddressPolicy::public_only()).expect("a client");
            let rejected = send(&client, encrypted, "http://localhost:9/", Connections::Reused).await;
            assert!(matches!(rejected, Err(Failure::Rejected(_))), "{rejected:?}");
        }
    }
}
