//! Local stand-ins, over HTTP and HTTPS, for the sites that QStash's examples and test suites use as destinations.
//! Host overrides of the server point to them.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// Hosts of all sites.
const HOSTS: [&str; 9] = [
    "mock.httpstatus.io",
    "example.com",
    "www.example.com",
    "example.org",
    "oz.requestcatcher.com",
    "oz1.requestcatcher.com",
    "httpbin.org",
    "www.initial.com",
    "www.updated.com",
];

/// The first byte of a TLS connection: a handshake record (RFC 8446, section 5.1).
const TLS_HANDSHAKE: u8 = 0x16;

/// The sites. They stop with the test's runtime.
pub(crate) struct StandIn {
    address: SocketAddr,
    authority: String,
}

impl StandIn {
    pub(crate) async fn start() -> Self {
        let (authority, tls) = certificates();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("address");
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(serve(connection, tls.clone()));
            }
        });
        Self { address, authority }
    }

    /// Returns the certificate of the sites' certificate authority as PEM.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// Returns the host overrides for the server: `HOST=ADDR` for each site.
    pub(crate) fn overrides(&self) -> impl Iterator<Item = String> {
        HOSTS.iter().map(|host| format!("{host}={}", self.address))
    }
}

/// Returns the response of a site and its delay.
fn answer(host: &str, method: &Method, path: &str, query: &str) -> (Duration, StatusCode) {
    let sleep = query.split('&').find_map(|pair| pair.strip_prefix("sleep=")?.parse().ok());
    let status = match host {
        "mock.httpstatus.io" => path.trim_start_matches('/').parse().unwrap_or(StatusCode::NOT_FOUND),
        // The real sites serve a page and reject a POST.
        "example.com" | "www.example.com" | "example.org" if !matches!(*method, Method::GET | Method::HEAD) => {
            StatusCode::METHOD_NOT_ALLOWED
        }
        _ => StatusCode::OK,
    };
    (Duration::from_millis(sleep.unwrap_or_default()), status)
}

async fn respond(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let _ = body.collect().await;
    let host = parts.headers.get(header::HOST).map_or("", |host| host.to_str().unwrap_or_default());
    let (sleep, status) = answer(host, &parts.method, parts.uri.path(), parts.uri.query().unwrap_or_default());
    tokio::time::sleep(sleep).await;
    // Such as `404 Not Found`, which the status-code site returns.
    let mut response = Response::new(Full::from(status.to_string()));
    *response.status_mut() = status;
    Ok(response)
}

async fn serve(connection: TcpStream, tls: TlsAcceptor) {
    let mut first = [0];
    if !matches!(connection.peek(&mut first).await, Ok(1)) {
        return;
    }
    if first[0] != TLS_HANDSHAKE {
        exchange(connection).await;
    } else if let Ok(connection) = tls.accept(connection).await {
        exchange(connection).await;
    }
}

async fn exchange(connection: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
    let served = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(connection), service_fn(respond))
        .await;
    // The server closes the connection when its message is cancelled.
    drop(served);
}

/// Creates a certificate authority and the TLS configuration of a server with a certificate of it.
fn certificates() -> (String, TlsAcceptor) {
    let authority_key = KeyPair::generate().expect("a key");
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = authority.self_signed(&authority_key).expect("an authority");
    let issuer = Issuer::new(authority, authority_key);

    let key = KeyPair::generate().expect("a key");
    let sites = CertificateParams::new(HOSTS.map(str::to_owned)).expect("names");
    let chain = vec![sites.signed_by(&key, &issuer).expect("a certificate").der().clone()];
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a certificate");
    (certificate.pem(), TlsAcceptor::from(Arc::new(config)))
}
