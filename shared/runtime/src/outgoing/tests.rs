//! Which connections requests share, and which failures are repeatable.

mod http2_server;
mod tls_server;

use std::sync::Arc;

use futures_util::future::join_all;
use h2::Reason;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;

use self::http2_server::{Http2Server, Then};
use self::tls_server::TlsServer;
use super::*;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A client that trusts the test server, and may connect to this machine.
fn client(server: &TlsServer) -> Client {
    Client::with_tls(&AddressPolicy::with_loopback(), tls::with_alpn(server.client_config()))
}

async fn send(client: &Client, url: &str, connections: Connections) -> Result<Response, Failure> {
    let target = Target::new(&url.parse().expect("a URL")).expect("a target");
    let request = Request { method: Method::POST, headers: HeaderMap::new(), body: Bytes::from_static(b"{}") };
    client.send(&target, request, connections, 1024).await
}

/// Responds to this number of requests, and closes the connection at the next one.
async fn respond(mut stream: impl AsyncRead + AsyncWrite + Unpin, responses: usize) {
    for _ in 0..responses {
        assert!(stream.read(&mut [0; 4096]).await.expect("a request") > 0);
        stream.write_all(OK).await.expect("written");
    }
    assert!(stream.read(&mut [0; 4096]).await.expect("a request") > 0);
}

/// Starts a server that responds to these numbers of requests on its connections.
async fn http1_server(tls: Option<TlsServer>, responses: &'static [usize]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let scheme = if tls.is_some() { "https" } else { "http" };
    let url = format!("{scheme}://{}/", listener.local_addr().expect("address"));
    tokio::spawn(async move {
        for responses in responses {
            let (stream, _) = listener.accept().await.expect("a client");
            match &tls {
                Some(tls) => respond(tls.accept(stream, b"http/1.1").await.expect("TLS"), *responses).await,
                None => respond(stream, *responses).await,
            }
        }
    });
    url
}

#[tokio::test]
async fn a_request_is_repeatable_if_a_reused_connection_was_closed() {
    let tls = TlsServer::new();
    for server in [None, Some(tls.clone())] {
        let client = client(&tls);
        let url = http1_server(server, &[1, 0, 1]).await;
        let response = send(&client, &url, Connections::Reused).await.expect("a response");
        assert_eq!((response.status, &response.body[..]), (200, &b"ok"[..]));
        let failure = send(&client, &url, Connections::Reused).await.expect_err("closed");
        assert!(failure.is_repeatable(), "{failure}");
        let failure = send(&client, &url, Connections::New).await.expect_err("closed");
        assert!(!failure.is_repeatable(), "{failure}");
        send(&client, &url, Connections::Reused).await.expect("a response");
    }
}

#[tokio::test]
async fn a_name_that_leads_to_this_machine_is_rejected() {
    let client = Client::new(&AddressPolicy::public_only()).expect("a client");
    for url in ["http://localhost:9/", "https://localhost:9/"] {
        let rejected = send(&client, url, Connections::Reused).await;
        assert!(matches!(rejected, Err(Failure::Rejected(_))), "{rejected:?}");
    }
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_rejected() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("https://{}/", listener.local_addr().expect("address"));
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a client");
        TlsServer::new().accept(stream, b"h2").await.map(drop)
    });
    let failure = send(&client(&TlsServer::new()), &url, Connections::Reused).await.expect_err("not trusted");
    assert!(matches!(&failure, Failure::NotConnected(why) if why.contains("certificate")), "{failure}");
}

#[tokio::test]
async fn requests_share_an_http2_connection_up_to_the_limit_of_the_server() {
    let tls = TlsServer::new();
    for (limit, connections) in [(100, 1), (4, 2)] {
        let mut server = Http2Server::start(&tls, limit, vec![Then::Hold; 8]).await;
        let client = Arc::new(client(&tls));
        let url = server.url.clone();
        // The limit of the server arrives with the first response.
        send(&client, &url, Connections::Reused).await.expect("a response");
        let requests: Vec<_> = (0..8)
            .map(|_| {
                let (client, url) = (Arc::clone(&client), url.clone());
                tokio::spawn(async move { send(&client, &url, Connections::Reused).await })
            })
            .collect();
        server.release_when_held(8).await;
        for response in join_all(requests).await {
            assert_eq!(response.expect("no panic").expect("a response").body, "ok");
        }
        assert_eq!(server.connections(), connections, "limit {limit}");
    }
}

#[tokio::test]
async fn a_request_is_repeatable_if_its_http2_stream_was_rejected() {
    let tls = TlsServer::new();
    for (reason, is_repeatable) in [(Reason::REFUSED_STREAM, true), (Reason::INTERNAL_ERROR, false)] {
        let server = Http2Server::start(&tls, 100, vec![Then::Reset(reason)]).await;
        let client = client(&tls);
        send(&client, &server.url, Connections::Reused).await.expect("a response");
        let failure = send(&client, &server.url, Connections::Reused).await.expect_err("reset");
        assert_eq!(failure.is_repeatable(), is_repeatable, "{failure}");
        send(&client, &server.url, Connections::New).await.expect("a response");
    }
}

#[tokio::test]
async fn a_request_is_repeatable_if_an_http2_server_goes_away_before_it() {
    let tls = TlsServer::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("https://{}/", listener.local_addr().expect("address"));
    let server = tls.clone();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a client");
        let mut stream = server.accept(stream, b"h2").await.expect("TLS");
        // SETTINGS, then GOAWAY with 0 as the last processed stream and without an error.
        stream.write_all(b"\0\0\0\x04\0\0\0\0\0").await.expect("written");
        stream.write_all(b"\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\0").await.expect("written");
        while stream.read(&mut [0; 4096]).await.is_ok_and(|read| read > 0) {}
    });
    let failure = send(&client(&tls), &url, Connections::Reused).await.expect_err("going away");
    assert!(failure.is_repeatable(), "{failure}");
}

#[tokio::test]
async fn a_closed_http2_connection_is_replaced() {
    let tls = TlsServer::new();
    let server = Http2Server::start(&tls, 100, vec![Then::Close]).await;
    let client = client(&tls);
    send(&client, &server.url, Connections::Reused).await.expect("a response");
    let failure = send(&client, &server.url, Connections::Reused).await.expect_err("closed");
    assert!(failure.is_repeatable(), "{failure}");
    send(&client, &server.url, Connections::Reused).await.expect("a response");
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_long_response_over_http2_is_cut() {
    let tls = TlsServer::new();
    let server = Http2Server::start(&tls, 100, vec![Then::RespondWith(200_000)]).await;
    let client = client(&tls);
    send(&client, &server.url, Connections::Reused).await.expect("a response");
    let response = send(&client, &server.url, Connections::Reused).await.expect("a response");
    assert_eq!(response.body.len(), 1024);
    send(&client, &server.url, Connections::Reused).await.expect("a response");
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn the_host_of_a_certificate_has_no_port_and_no_brackets() {
    for (url, host) in [
        ("https://example.com/", "example.com"),
        ("https://example.com:8443/", "example.com"),
        ("https://[::1]:8443/", "::1"),
        ("https://127.1/", "127.0.0.1"),
    ] {
        let target = Target::new(&url.parse().expect("a URL")).expect("a target");
        assert_eq!(target.origin.host(), host, "{url}");
    }
}
