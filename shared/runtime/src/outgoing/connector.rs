//! Makes connections: name resolution, TCP, TLS, and the selection of the protocol.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use http::uri::PathAndQuery;
use hyper::client::conn::http1;
use hyper::rt::{Read, Write};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tower::Service;

use super::resolver::GuardedResolver;
use super::target::Origin;
use super::{Connection, Failure, Http1, http2, tls};
use crate::AddressPolicy;

/// Timeout of name resolution, TCP and TLS together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A dead peer is detected after 15 + 3 × 15 seconds without data, or after 30 s with unacknowledged data.
const KEEPALIVE: Duration = Duration::from_secs(15);
const KEEPALIVE_RETRIES: u32 = 3;
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);
/// Maximum of header fields in a response. With hyper's default of 100, attempts to destinations that send more fail.
const MAX_RESPONSE_HEADERS: usize = 4096;

/// Makes connections. Clones share its settings.
#[derive(Clone)]
pub(super) struct Connector {
    tcp: HttpConnector<GuardedResolver>,
    tls: TlsConnector,
}

impl Connector {
    pub(super) fn new(policy: &AddressPolicy, tls: ClientConfig) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(GuardedResolver::new(policy));
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(KEEPALIVE));
        tcp.set_keepalive_interval(Some(KEEPALIVE));
        tcp.set_keepalive_retries(Some(KEEPALIVE_RETRIES));
        #[cfg(target_os = "linux")]
        tcp.set_tcp_user_timeout(Some(UNACKNOWLEDGED));
        Self { tcp, tls: TlsConnector::from(Arc::new(tls)) }
    }

    /// Makes a connection for one request. Later requests can reuse it; with HTTP/2, concurrent ones share it.
    pub(super) async fn connect(&self, origin: &Origin) -> Result<Connection, Failure> {
        if !origin.is_encrypted {
            let stream = within_timeout(self.tcp(origin)).await?;
            return start_http1(TokioIo::new(stream)).await;
        }
        let stream = within_timeout(self.tls(origin)).await?;
        if stream.get_ref().1.alpn_protocol() == Some(tls::HTTP2) {
            let connection = http2::Connection::start(stream).await;
            return connection.map(Connection::Http2).map_err(|error| Failure::of_exchange(&error, false));
        }
        start_http1(TokioIo::new(stream)).await
    }

    async fn tcp(&self, origin: &Origin) -> Result<TcpStream, Failure> {
        let uri = origin.uri(PathAndQuery::from_static("/")).map_err(|error| Failure::of_request(&error))?;
        let connected = self.tcp.clone().call(uri).await.map_err(|error| Failure::of_connect(&error))?;
        Ok(connected.into_inner())
    }

    async fn tls(&self, origin: &Origin) -> Result<TlsStream<TcpStream>, Failure> {
        let name = ServerName::try_from(origin.host().to_owned()).map_err(|error| Failure::of_request(&error))?;
        let stream = self.tcp(origin).await?;
        self.tls.connect(name, stream).await.map_err(|error| Failure::of_connect(&error))
    }
}

async fn within_timeout<T>(connecting: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    timeout(CONNECT_TIMEOUT, connecting)
        .await
        .unwrap_or_else(|_| Err(Failure::NotConnected(format!("no connection within {} s", CONNECT_TIMEOUT.as_secs()))))
}

async fn start_http1(stream: impl Read + Write + Send + Unpin + 'static) -> Result<Connection, Failure> {
    let handshake = http1::Builder::new().max_headers(MAX_RESPONSE_HEADERS).handshake(stream).await;
    let (sender, connection): (Http1, _) = handshake.map_err(|error| Failure::of_exchange(&error, false))?;
    // The task ends when the sender is dropped or the server closes the connection. Its errors are reported to its
    // requests.
    tokio::spawn(connection);
    Ok(Connection::Http1(sender))
}
