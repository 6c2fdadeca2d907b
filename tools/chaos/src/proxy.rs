//! A TCP proxy between one process and Postgres, which breaks connections in several ways.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;

/// Handling of bytes and new connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    #[default]
    Pass,
    /// Forwards no bytes and closes no connections.
    BlackHole,
    /// Accepts new connections without a response.
    Silent,
    /// Drops the responses of Postgres.
    LoseResponses,
}

#[derive(Clone, Copy, Default)]
struct State {
    mode: Mode,
    /// Connections of an earlier generation are closed.
    generation: u64,
}

/// Port of Postgres, which changes with each start.
pub(crate) type Target = Arc<AtomicU16>;

pub(crate) struct Proxy {
    port: u16,
    state: watch::Sender<State>,
}

impl Proxy {
    pub(crate) async fn start(target: Target) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let (state, receiver) = watch::channel(State::default());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, target.clone(), receiver.clone()));
            }
        });
        Ok(Self { port, state })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn set(&self, mode: Mode) {
        self.state.send_modify(|state| state.mode = mode);
    }

    /// Closes all connections.
    pub(crate) fn cut(&self) {
        self.state.send_modify(|state| state.generation += 1);
    }
}

async fn serve(client: TcpStream, target: Target, mut state: watch::Receiver<State>) {
    let generation = state.borrow().generation;
    let mut closed = state.clone();
    let relay = async move {
        if state.wait_for(|state| !matches!(state.mode, Mode::BlackHole | Mode::Silent)).await.is_err() {
            return;
        }
        let address = ("127.0.0.1", target.load(Ordering::Relaxed));
        let Ok(Ok(server)) = timeout(Duration::from_secs(5), TcpStream::connect(address)).await else { return };
        let (_, _) = (client.set_nodelay(true), server.set_nodelay(true));
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        // The end of one direction ends the connection.
        tokio::select! {
            () = pump(from_client, to_server, state.clone(), false) => {}
            () = pump(from_server, to_client, state, true) => {}
        }
    };
    tokio::select! {
        () = relay => {}
        _ = closed.wait_for(|state| state.generation != generation) => {}
    }
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut state: watch::Receiver<State>, responses: bool) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = from.read(&mut buffer).await;
        // A black hole also hides the end of the connection.
        let Ok(mode) = state.wait_for(|state| state.mode != Mode::BlackHole).await.map(|state| state.mode) else {
            return;
        };
        let Ok(length @ 1..) = read else { return };
        if responses && mode == Mode::LoseResponses {
            continue;
        }
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Starts an echo server and connects a client through the proxy.
    async fn echo() -> (Proxy, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("its address").port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    let _ = tokio::io::copy(&mut from, &mut to).await;
                });
            }
        });
        let proxy = Proxy::start(Arc::new(AtomicU16::new(port))).await.expect("the proxy starts");
        let client = TcpStream::connect(("127.0.0.1", proxy.port())).await.expect("it accepts");
        (proxy, client)
    }

    async fn reply(client: &mut TcpStream) -> Option<usize> {
        let mut buffer = [0; 8];
        let _ = client.write_all(b"hello").await;
        timeout(Duration::from_millis(200), client.read(&mut buffer)).await.ok().map(|read| read.unwrap_or(0))
    }

    #[tokio::test]
    async fn black_hole_passes_bytes_on_after_it_ends() {
        let (proxy, mut client) = echo().await;
        assert_eq!(reply(&mut client).await, Some(5));
        proxy.set(Mode::BlackHole);
        assert_eq!(reply(&mut client).await, None);
        proxy.set(Mode::Pass);
        assert!(reply(&mut client).await.is_some_and(|length| length >= 5));
    }

    #[tokio::test]
    async fn lost_responses_never_come_and_a_cut_closes() {
        let (proxy, mut client) = echo().await;
        assert_eq!(reply(&mut client).await, Some(5));
        proxy.set(Mode::LoseResponses);
        assert_eq!(reply(&mut client).await, None);
        proxy.cut();
        assert_eq!(reply(&mut client).await, Some(0));
    }
}
