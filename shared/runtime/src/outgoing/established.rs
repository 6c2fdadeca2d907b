//! Whether a request to reqwest that failed was sent on a connection that an earlier request had used.
//!
//! hyper knows it and does not tell. But it makes connections within the request's own task, where their addresses can be
//! noted: a connection that is not among them came from the pool.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use http::Extensions;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpInfo};
use tower::{Layer, Service};

use super::failure::causes;

tokio::task_local! {
    static ESTABLISHED: Established;
}

/// The connections that were made for one request, by their address on this side.
#[derive(Clone, Default)]
pub(super) struct Established(Arc<Mutex<Vec<SocketAddr>>>);

impl Established {
    /// Notes what is connected while the request is sent.
    pub(super) async fn record<T>(&self, request: impl Future<Output = T>) -> T {
        ESTABLISHED.scope(self.clone(), request).await
    }

    /// Whether the request failed on a connection that was not made for it.
    pub(super) fn was_reused(&self, error: &reqwest::Error) -> bool {
        causes(error)
            .find_map(|cause| cause.downcast_ref::<legacy::Error>())
            .and_then(legacy::Error::connect_info)
            .and_then(local_address)
            .is_some_and(|address| !self.contains(address))
    }

    fn contains(&self, address: SocketAddr) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&address)
    }

    fn push(&self, connected: &Connected) {
        if let Some(address) = local_address(connected) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(address);
        }
    }
}

fn local_address(connected: &Connected) -> Option<SocketAddr> {
    let mut extras = Extensions::new();
    connected.get_extras(&mut extras);
    extras.get::<HttpInfo>().map(HttpInfo::local_addr)
}

/// The connector's layer that notes each connection.
#[derive(Clone)]
pub(super) struct RecordEstablished;

impl<S> Layer<S> for RecordEstablished {
    type Service = Recording<S>;

    fn layer(&self, connector: S) -> Recording<S> {
        Recording(connector)
    }
}

/// A connector that notes each connection.
#[derive(Clone)]
pub(super) struct Recording<S>(S);

impl<S, Target> Service<Target> for Recording<S>
where
    S: Service<Target>,
    S::Response: Connection,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, target: Target) -> Self::Future {
        // Taken now: a connection that comes too late for this request is finished by another task.
        let established = ESTABLISHED.try_with(Established::clone).unwrap_or_default();
        let connecting = self.0.call(target);
        Box::pin(async move {
            let connection = connecting.await?;
            established.push(&connection.connected());
            Ok(connection)
        })
    }
}
