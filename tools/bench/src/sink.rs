//! Destination of the messages: a child process that responds with minimal work and counts requests.
//!
//! [`server`] is the child, [`tls`] its certificates, [`tally`] the count, [`process`] the handle of the child.

pub(crate) mod process;
pub(crate) mod server;
pub(crate) mod tally;
mod tls;

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// A URL of the sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// HTTP/1.1 without TLS, with an immediate response.
    Plain,
    /// HTTP/1.1 over TLS.
    Http1,
    /// HTTP/2 over TLS.
    Http2,
    /// HTTP/1.1 without TLS, with a response after 50 ms.
    Slow,
    /// HTTP/1.1 without TLS and without a response. Its requests are not counted.
    Hanging,
}

/// First line of the child process, printed when it listens.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Listening {
    plain: SocketAddr,
    http1: SocketAddr,
    http2: SocketAddr,
    /// The certificate of the authority, as PEM.
    authority: String,
}
