//! The HTTP client for pushes: keep-alive, no redirects, no proxies, and the address policy in its resolver.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect;

use crate::AddressPolicy;

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an idle connection is kept for the next push to the same host.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// A client that connects only where the policy allows. Addresses written into a URL never pass
/// through the resolver: check the URL with [`AddressPolicy::check_url`] before each request.
pub fn client(policy: &AddressPolicy) -> Result<reqwest::Client> {
    let builder = reqwest::Client::builder().dns_resolver(Arc::new(GuardedResolver(policy.clone())));
    let builder = policy.overrides().iter().fold(builder, |builder, to| builder.resolve(&to.host, to.address));
    builder
        .redirect(redirect::Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .tcp_nodelay(true)
        .build()
        .context("the HTTP client cannot be built")
}

/// The system's resolver, with the addresses that the policy refuses taken out.
struct GuardedResolver(AddressPolicy);

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = self.0.clone();
        Box::pin(async move {
            let host = name.as_str();
            let resolved: Vec<SocketAddr> = tokio::net::lookup_host((host, 0)).await?.collect();
            if policy.allows_host(host) {
                return Ok(Box::new(resolved.into_iter()) as Addrs);
            }
            let mut refused = None;
            let allowed: Vec<SocketAddr> = resolved
                .into_iter()
                .filter(|address| policy.check_address(address.ip()).map_err(|why| refused = Some(why)).is_ok())
                .collect();
            match refused {
                Some(refused) if allowed.is_empty() => Err(refused.into()),
                _ => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}
