//! Reasons for a missing or incomplete response.

use std::error::Error;
use std::io;

use h2::Reason;
#[cfg(unix)]
use rustix::io::Errno;

use crate::address_policy::Rejected;

/// The reason for a missing or incomplete response. The text is that of the innermost cause: the outer layers repeat
/// the URL.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Failure {
    /// The address policy rejects the addresses of the host name.
    #[error("{0}")]
    Rejected(String),
    /// This process lacks a resource for a connection, such as a descriptor. The destination is not at fault.
    #[error("this process lacks a resource for the connection: {0}")]
    LacksResource(String),
    /// No connection could be made.
    #[error("cannot connect: {0}")]
    NotConnected(String),
    /// The connection failed before the end of the response.
    #[error("the connection failed before the end of the response: {text}")]
    BrokenOff {
        /// The failure of the connection.
        text: String,
        /// The connection was closed after an earlier request, or the server did not process this one.
        is_repeatable: bool,
    },
    /// The request cannot be expressed in HTTP.
    #[error("the request cannot be sent: {0}")]
    Unsendable(String),
}

impl Failure {
    /// Returns whether to send the request once more, on a new connection: a server may close an idle connection at
    /// the moment at which the next request is sent on it (RFC 9112 section 9.3.1), and with HTTP/2 it reports the
    /// requests that it has not processed (RFC 9113 section 8.7).
    pub fn is_repeatable(&self) -> bool {
        matches!(self, Self::BrokenOff { is_repeatable: true, .. })
    }

    /// Returns the failure of a connection that could not be made.
    pub(super) fn of_connect(error: &(dyn Error + 'static)) -> Self {
        if let Some(rejected) = causes(error).find_map(|cause| cause.downcast_ref::<Rejected>()) {
            Self::Rejected(rejected.to_string())
        } else if causes(error).any(lacks_resource) {
            Self::LacksResource(innermost(error))
        } else {
            Self::NotConnected(innermost(error))
        }
    }

    /// Returns a failure before the beginning of a response, on an established connection.
    pub(super) fn of_exchange(error: &(dyn Error + 'static), is_reused: bool) -> Self {
        let is_repeatable = causes(error).any(|cause| is_unprocessed(cause) || is_reused && is_closed(cause));
        Self::BrokenOff { text: innermost(error), is_repeatable }
    }

    /// Returns a failure after the beginning of a response.
    pub(super) fn of_response(error: &(dyn Error + 'static)) -> Self {
        Self::BrokenOff { text: innermost(error), is_repeatable: false }
    }

    /// Returns a failure to build a request.
    pub(super) fn of_request(error: &(dyn Error + 'static)) -> Self {
        Self::Unsendable(innermost(error))
    }
}

/// Returns the error and its causes.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |cause: &&(dyn Error + 'static)| (*cause).source())
}

fn innermost(error: &(dyn Error + 'static)) -> String {
    causes(error).last().map(ToString::to_string).unwrap_or_default()
}

/// Returns whether the system lacks descriptors, buffers, memory or ports.
fn lacks_resource(cause: &(dyn Error + 'static)) -> bool {
    let code = cause.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error);
    #[cfg(unix)]
    return code.map(Errno::from_raw_os_error).is_some_and(|code| {
        matches!(code, Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM | Errno::ADDRNOTAVAIL)
    });
    #[cfg(not(unix))]
    return code.is_some_and(|_| false);
}

/// Returns whether the server reports that it has not processed a request over HTTP/2.
fn is_unprocessed(cause: &(dyn Error + 'static)) -> bool {
    cause.downcast_ref::<h2::Error>().is_some_and(|error| {
        let is_rejected = error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM);
        let is_going_away = error.is_go_away() && error.reason() == Some(Reason::NO_ERROR);
        error.is_remote() && (is_rejected || is_going_away)
    })
}

/// Returns whether the server closed the connection. hyper does not report how much of the head had arrived: a
/// response that ends within its head counts as well.
fn is_closed(cause: &(dyn Error + 'static)) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, UnexpectedEof};
    if let Some(error) = cause.downcast_ref::<hyper::Error>() {
        return error.is_incomplete_message() || error.is_canceled() || error.is_closed();
    }
    let error = cause.downcast_ref::<h2::Error>().and_then(h2::Error::get_io);
    error.or(cause.downcast_ref::<io::Error>()).is_some_and(|error| {
        matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected | UnexpectedEof)
    })
}
