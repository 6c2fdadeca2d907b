//! Servers that the functions call: a fake Resend that accepts every e-mail immediately, and a destination that delays
//! its responses.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use axum::Router;
use axum::routing::post;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Server on loopback that runs until the end of the bench.
pub(super) struct Outside {
    url: String,
    arrived: Arc<watch::Sender<usize>>,
    released: Arc<watch::Sender<bool>>,
}

impl Outside {
    /// Starts the server.
    pub(super) async fn start() -> Result<Self> {
        let arrived = Arc::new(watch::Sender::new(0));
        let released = Arc::new(watch::Sender::new(false));
        let (arriving, releasing) = (Arc::clone(&arrived), Arc::clone(&released));
        let hold = move || {
            let mut released = releasing.subscribe();
            arriving.send_modify(|arrived| *arrived += 1);
            async move {
                let _ = released.wait_for(|released| *released).await;
            }
        };
        // A unique ID for each e-mail, as at Resend: otherwise all would share a row of `email_logs`.
        let sent = Arc::new(AtomicU64::new(0));
        let email = move || {
            let number = sent.fetch_add(1, Ordering::Relaxed);
            async move { format!(r#"{{"id":"email-{number}"}}"#) }
        };
        let router = Router::new().route("/emails", post(email)).route("/held", post(hold));

        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("no free port")?;
        let url = format!("http://{}", listener.local_addr()?);
        let listener = listener.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { url, arrived, released })
    }

    /// Returns the base URL of the fake Resend.
    pub(super) fn resend_url(&self) -> &str {
        &self.url
    }

    /// Returns the URL with delayed responses.
    pub(super) fn held_url(&self) -> String {
        format!("{}/held", self.url)
    }

    /// Waits until this many requests wait for their response.
    pub(super) async fn holds(&self, requests: usize) -> Result<()> {
        self.arrived.subscribe().wait_for(|arrived| *arrived >= requests).await?;
        Ok(())
    }

    /// Responds to the waiting requests and all later ones.
    pub(super) fn release(&self) {
        self.released.send_replace(true);
    }
}
