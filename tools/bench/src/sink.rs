//! The destination of the messages: a child process that responds as cheaply as it can, and counts.
//!
//! [`server`] is the child, [`tls`] its certificates, [`tally`] the count, [`process`] the bench's handle of it.

pub(crate) mod process;
pub(crate) mod server;
pub(crate) mod tally;
mod tls;

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// A URL of the sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// HTTP/1.1 without TLS, which responds at once.
    Plain,
    /// HTTP/1.1 over TLS.
    Http1,
    /// HTTP/2 over TLS.
    Http2,
    /// Plain, and responds after 50 ms.
    Slow,
    /// Plain, and never responds. Its requests are not counted.
    Hanging,
}

/// What the child process prints when it listens.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Listening {
    plain: SocketAddr,
    http1: SocketAddr,
    http2: SocketAddr,
    /// The certificate of the authority, as PEM.
    authority: String,
}
