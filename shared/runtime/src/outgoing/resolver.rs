//! Name resolution under the address policy.

use std::net::SocketAddr;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use hyper_util::client::legacy::connect::dns;
use tower::Service;

use crate::AddressPolicy;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The system's resolver, with the overrides of the policy, and without the addresses that it rejects.
#[derive(Clone)]
pub(super) struct GuardedResolver(AddressPolicy);

impl GuardedResolver {
    pub(super) fn new(policy: &AddressPolicy) -> Self {
        Self(policy.clone())
    }
}

async fn resolve(policy: AddressPolicy, host: &str) -> Result<Vec<SocketAddr>, BoxError> {
    if let Some(to) = policy.overrides().iter().rfind(|to| to.host == host) {
        return Ok(vec![to.address]);
    }
    let resolved: Vec<SocketAddr> = tokio::net::lookup_host((host, 0)).await?.collect();
    if policy.allows_host(host) {
        return Ok(resolved);
    }
    let mut rejected = None;
    let allowed: Vec<SocketAddr> = resolved
        .into_iter()
        .filter(|address| policy.check_address(address.ip()).map_err(|why| rejected = Some(why)).is_ok())
        .collect();
    match rejected {
        Some(rejected) if allowed.is_empty() => Err(rejected.without_address().into()),
        _ => Ok(allowed),
    }
}

impl Service<dns::Name> for GuardedResolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: dns::Name) -> Self::Future {
        let policy = self.0.clone();
        Box::pin(async move { Ok(resolve(policy, name.as_str()).await?.into_iter()) })
    }
}
