//! The HTTP client for deliveries: keep-alive, no redirects, no proxies, and the address policy in its resolver.

mod connections;

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context, Result};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Request, Response, redirect};

use self::connections::{Established, RecordEstablished};
use crate::AddressPolicy;

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an idle connection is kept for the next delivery to the same host.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// Header fields that a response may have. hyper's default of 100 fails the attempt of a destination that has more.
const MAX_RESPONSE_HEADERS: usize = 4096;
/// Bytes of header fields that a response over HTTP/2 may have: as many as hyper reads of one over HTTP/1.1.
const MAX_RESPONSE_HEADER_BYTES: u32 = 8192 + 4096 * 100;

/// A client that connects only where the policy allows. Addresses written into a URL never pass
/// through the resolver: check the URL with [`AddressPolicy::check_url`] before each request.
pub struct Client {
    pooled: reqwest::Client,
    /// Makes a connection for each request. Built when it is first needed, which is seldom.
    unpooled: OnceLock<reqwest::Client>,
    policy: AddressPolicy,
}

impl Client {
    /// Creates a client without connections.
    ///
    /// # Errors
    ///
    /// The platform's certificates cannot be read.
    pub fn new(policy: &AddressPolicy) -> Result<Self> {
        let pooled =
            builder(policy).pool_idle_timeout(IDLE_TIMEOUT).build().context("the HTTP client cannot be built")?;
        Ok(Self { pooled, unpooled: OnceLock::new(), policy: policy.clone() })
    }

    /// Sends the request, and returns when the head of the response is there.
    ///
    /// A server may close an idle connection at the moment at which the next request is sent on it (RFC 9112 section
    /// 9.3.1). Then the request is sent once more, on a new connection. A connection that was made for the request
    /// and fails is an error.
    ///
    /// # Errors
    ///
    /// As reqwest has them.
    pub async fn execute(&self, request: Request) -> Result<Response, reqwest::Error> {
        let again = request.try_clone();
        let established = Established::default();
        match (established.record(self.pooled.execute(request)).await, again) {
            (Err(error), Some(again)) if established.was_reused_and_closed(&error) => match self.unpooled() {
                Some(unpooled) => unpooled.execute(again).await,
                None => Err(error),
            },
            (result, _) => result,
        }
    }

    fn unpooled(&self) -> Option<&reqwest::Client> {
        if self.unpooled.get().is_none() {
            // Of two that are built at once, one is dropped.
            let _ = self.unpooled.set(builder(&self.policy).pool_max_idle_per_host(0).build().ok()?);
        }
        self.unpooled.get()
    }
}

fn builder(policy: &AddressPolicy) -> reqwest::ClientBuilder {
    let builder = reqwest::Client::builder().dns_resolver(Arc::new(GuardedResolver(policy.clone())));
    let builder = policy.overrides().iter().fold(builder, |builder, to| builder.resolve(&to.host, to.address));
    builder
        .redirect(redirect::Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT_TIMEOUT)
        .connector_layer(RecordEstablished)
        .http1_max_headers(MAX_RESPONSE_HEADERS)
        .http2_max_header_list_size(MAX_RESPONSE_HEADER_BYTES)
        .tcp_nodelay(true)
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
