//! The HTTP client for deliveries: keep-alive, no redirects, no proxies, and the address policy in its resolver.
//!
//! It has its own connection pool, for HTTP/1.1 and, where a server selects it in TLS, for HTTP/2. A general client
//! has layers that deliveries never use and that cost as much CPU time as the rest of a delivery.

mod connector;
mod failure;
mod http2;
mod pool;
mod resolver;
mod target;
mod tls;

use std::sync::Arc;

use anyhow::Result;
use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, HOST, HeaderMap};
use http::{HeaderValue, Method, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::SendRequest;
use rustls::ClientConfig;
use tokio::sync::oneshot;

use self::connector::Connector;
pub use self::failure::Failure;
use self::pool::{Announcement, Found, Pool};
use self::target::Origin;
pub use self::target::Target;
use crate::AddressPolicy;

/// A request without its [`Target`].
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The header fields. `Host`, `Accept` and `Content-Length` are added where they are missing.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

/// A response. The body may be truncated.
#[derive(Clone, Debug)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// All header fields.
    pub headers: HeaderMap,
    /// The body, up to the requested number of bytes.
    pub body: Bytes,
}

/// The connections that a request may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connections {
    /// One that served an earlier request, if available.
    Reused,
    /// A new one for this request.
    New,
}

/// So many connections to one origin that are being made delay each other.
const MANY: usize = 16;

/// A client that connects only to addresses that the policy allows. Addresses in a URL do not pass through the
/// resolver: check the URL with [`AddressPolicy::check_url`] before each request.
pub struct Client {
    connector: Connector,
    pool: Pool,
}

/// The sender of an HTTP/1.1 connection.
type Http1 = SendRequest<Full<Bytes>>;

/// A connection for one request.
enum Connection {
    Http1(Http1),
    Http2(http2::Connection),
}

impl Client {
    /// Creates a client without connections.
    ///
    /// # Errors
    ///
    /// The platform's certificates cannot be read.
    pub fn new(policy: &AddressPolicy) -> Result<Self> {
        Ok(Self::with_tls(policy, tls::client_config()?))
    }

    fn with_tls(policy: &AddressPolicy, tls: ClientConfig) -> Self {
        Self { connector: Connector::new(policy, tls), pool: Pool::default() }
    }

    /// Sends the request, and reads at most `body_bytes` of the response's body. If the body is longer, the HTTP/1.1
    /// connection is closed or the HTTP/2 stream is reset.
    ///
    /// # Errors
    ///
    /// There is no complete response. [`Failure::is_repeatable`] tells whether to send the request once more, on a
    /// [new](Connections::New) connection.
    pub async fn send(
        &self,
        target: &Target,
        request: Request,
        connections: Connections,
        body_bytes: usize,
    ) -> Result<Response, Failure> {
        let (connection, is_reused) = self.connection(&target.origin, connections).await?;
        match connection {
            Connection::Http1(connection) => {
                let request = request.with_uri(target.path.clone(), Some(&target.host));
                self.exchange(&target.origin, connection, is_reused, request.map(Full::new), body_bytes).await
            }
            Connection::Http2(connection) => {
                connection.exchange(request.with_uri(target.absolute.clone(), None), is_reused, body_bytes).await
            }
        }
    }

    /// Returns whether many connections to this target are being made.
    pub fn is_connecting(&self, target: &Target) -> bool {
        self.pool.count_connecting(&target.origin) >= MANY
    }

    async fn exchange(
        &self,
        origin: &Arc<Origin>,
        mut connection: Http1,
        is_reused: bool,
        request: http::Request<Full<Bytes>>,
        body_bytes: usize,
    ) -> Result<Response, Failure> {
        let response = connection.send_request(request).await;
        let response = response.map_err(|error| Failure::of_exchange(&error, is_reused))?;
        let (response, is_complete) = read(response, body_bytes).await.map_err(|error| Failure::of_response(&error))?;
        if is_complete {
            self.pool.keep(origin, connection);
        }
        Ok(response)
    }

    /// Returns a connection for a request, and whether it served an earlier request.
    async fn connection(&self, origin: &Arc<Origin>, connections: Connections) -> Result<(Connection, bool), Failure> {
        if connections == Connections::Reused {
            loop {
                match self.pool.find(origin) {
                    Found::Connection(connection) => return Ok((connection, true)),
                    Found::Nothing => break,
                    Found::Announced(announced) => announced.wait().await?,
                    // Boxed, because it is rare.
                    Found::Unknown(announcement) => {
                        let connection = Box::pin(self.connect_for_all(origin, announcement)).await?;
                        return Ok((connection, false));
                    }
                }
            }
        }
        let _connecting = self.pool.connecting(origin);
        let connection = Box::pin(self.connector.connect(origin)).await?;
        self.pool.connected(origin, &connection);
        Ok((connection, false))
    }

    /// Makes a connection for this request that other requests wait for. It runs in a task, because this request may
    /// time out first.
    async fn connect_for_all(&self, origin: &Arc<Origin>, announcement: Announcement) -> Result<Connection, Failure> {
        let (connector, pool, origin) = (self.connector.clone(), self.pool.clone(), Arc::clone(origin));
        let (made, to_use) = oneshot::channel();
        tokio::spawn(async move {
            let _connecting = pool.connecting(&origin);
            let connected = connector.connect(&origin).await;
            match &connected {
                Ok(connection) => pool.connected(&origin, connection),
                Err(failure) => announcement.fail(failure.clone()),
            }
            if let Err(Ok(Connection::Http1(unused))) = made.send(connected) {
                pool.keep(&origin, unused);
            }
        });
        // The task sends before it ends, unless the runtime is shut down.
        to_use.await.unwrap_or_else(|error| Err(Failure::NotConnected(error.to_string())))
    }
}

impl Request {
    /// Builds the request with the header fields that every client sends.
    fn with_uri(self, uri: Uri, host: Option<&HeaderValue>) -> http::Request<Bytes> {
        let mut request = http::Request::new(self.body);
        *request.method_mut() = self.method;
        *request.uri_mut() = uri;
        *request.headers_mut() = self.headers;
        if let Some(host) = host {
            request.headers_mut().entry(HOST).or_insert_with(|| host.clone());
        }
        request.headers_mut().entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        request
    }
}

/// Reads a response. Also returns whether the body was read to its end.
async fn read(response: http::Response<Incoming>, body_bytes: usize) -> Result<(Response, bool), hyper::Error> {
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
mod tests;
