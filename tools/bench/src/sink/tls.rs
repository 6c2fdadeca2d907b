//! A certificate for loopback, and the authority that signed it.

use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// A new certificate.
pub(super) struct Certificate {
    /// The authority's certificate, as PEM.
    pub(super) authority: String,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Certificate {
    /// Creates it for 127.0.0.1.
    pub(super) fn create() -> Result<Self> {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority_key = KeyPair::generate().context("a key")?;
        let pem = authority.self_signed(&authority_key).context("an authority")?.pem();
        let issuer = Issuer::new(authority, authority_key);
        let key = KeyPair::generate().context("a key")?;
        let server = CertificateParams::new(vec!["127.0.0.1".to_owned()]).context("a name")?;
        let chain = vec![server.signed_by(&key, &issuer).context("a certificate")?.der().clone()];
        let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(|error| anyhow!(error))?;
        Ok(Self { authority: pem, chain, key })
    }

    /// Accepts connections of one protocol: `http/1.1` or `h2`.
    pub(super) fn acceptor(&self, protocol: &str) -> Result<TlsAcceptor> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(self.chain.clone(), self.key.clone_key())?;
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}
