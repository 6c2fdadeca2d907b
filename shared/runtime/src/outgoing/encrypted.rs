//! Requests over TLS, with reqwest.

use std::sync::{Arc, OnceLock};

use anyhow::{Context, Result};
use reqwest::{Request, redirect};

use super::established::{Established, RecordEstablished};
use super::resolver::GuardedResolver;
use super::{CONNECT_TIMEOUT, Connections, Failure, IDLE_TIMEOUT, MAX_RESPONSE_HEADERS, Response, read};
use crate::AddressPolicy;

/// Bytes of header fields that a response over HTTP/2 may have: as many as hyper reads of one over HTTP/1.1.
const MAX_RESPONSE_HEADER_BYTES: u32 = 8192 + 4096 * 100;

/// A client for `https://`.
pub(super) struct Encrypted {
    pooled: reqwest::Client,
    /// Makes a connection for each request. Built when it is first needed, which is seldom.
    unpooled: OnceLock<reqwest::Client>,
    policy: AddressPolicy,
}

impl Encrypted {
    pub(super) fn new(policy: &AddressPolicy) -> Result<Self> {
        let pooled = builder(policy).pool_idle_timeout(IDLE_TIMEOUT).build();
        let pooled = pooled.context("the HTTP client cannot be built")?;
        Ok(Self { pooled, unpooled: OnceLock::new(), policy: policy.clone() })
    }

    pub(super) async fn send(
        &self,
        request: Request,
        connections: Connections,
        body_bytes: usize,
    ) -> Result<Response, Failure> {
        let client = match connections {
            Connections::Reused => &self.pooled,
            Connections::New => self.unpooled().map_err(|error| Failure::of_request(&error))?,
        };
        let established = Established::default();
        let sent = established.record(client.execute(request)).await;
        let response = sent.map_err(|error| {
            if error.is_connect() {
                Failure::of_connect(&error)
            } else if error.is_builder() {
                Failure::of_request(&error)
            } else {
                Failure::of_exchange(&error, established.was_reused(&error))
            }
        })?;
        match read(http::Response::from(response), body_bytes).await {
            Ok((response, _)) => Ok(response),
            Err(error) => Err(Failure::of_exchange(&error, false)),
        }
    }

    fn unpooled(&self) -> Result<&reqwest::Client, reqwest::Error> {
        if let Some(client) = self.unpooled.get() {
            return Ok(client);
        }
        let client = builder(&self.policy).pool_max_idle_per_host(0).build()?;
        // Of two that are built at once, one is dropped.
        Ok(self.unpooled.get_or_init(|| client))
    }
}

fn builder(policy: &AddressPolicy) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .dns_resolver(Arc::new(GuardedResolver::new(policy)))
        .redirect(redirect::Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT_TIMEOUT)
        .connector_layer(RecordEstablished)
        .http1_max_headers(MAX_RESPONSE_HEADERS)
        .http2_max_header_list_size(MAX_RESPONSE_HEADER_BYTES)
        .tcp_nodelay(true)
}
