//! TLS for connections to `https://` destinations.

use std::sync::Arc;

use anyhow::{Context, Result};
use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls_platform_verifier::Verifier;

/// Returns settings for TLS 1.2 and 1.3 with the platform's certificates. The provider is set explicitly, so that no
/// process-wide default is needed.
pub(super) fn client_config() -> Result<ClientConfig> {
    let provider = Arc::new(default_provider());
    let verifier = Verifier::new(Arc::clone(&provider)).context("cannot read the platform's certificates")?;
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let config = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth();
    Ok(with_alpn(config))
}

/// Offers HTTP/2 and HTTP/1.1, in this order.
pub(super) fn with_alpn(mut config: ClientConfig) -> ClientConfig {
    config.alpn_protocols = vec![HTTP2.to_vec(), b"http/1.1".to_vec()];
    config
}

/// HTTP/2 in ALPN (RFC 9113 section 3.2).
pub(super) const HTTP2: &[u8] = b"h2";
