//! Server of the emulated APIs.

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;

/// Serves until the runtime ends. Without `TCP_NODELAY` each warm invocation would wait 40 ms for an acknowledgement.
pub(crate) fn serve(listener: TcpListener, router: Router) {
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    tokio::spawn(async move { axum::serve(listener, router).await });
}
