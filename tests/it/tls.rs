//! TLS to Postgres: verification of the server certificate.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use sigpost_dev_postgres::{DataDir, Server};
use sigpost_store::Database;
use tokio_postgres::NoTls;

use crate::outage::start;

/// A certificate authority that certifies only `localhost`.
struct Authority {
    pem: String,
    server_certificate: String,
    server_key: String,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).expect("an authority").pem();
        let issuer = Issuer::new(params, key);
        let key = KeyPair::generate().expect("a key");
        let server = CertificateParams::new(["localhost".to_owned()]).expect("a name");
        let server_certificate = server.signed_by(&key, &issuer).expect("a certificate").pem();
        Self { pem, server_certificate, server_key: key.serialize_pem() }
    }
}

/// Enables TLS with a certificate of this authority.
async fn secure(server: &Server, authority: &Authority) {
    let (client, connection) = tokio_postgres::connect(&server.url("postgres"), NoTls).await.expect("connection");
    tokio::spawn(connection);
    let row = client.query_one("show data_directory", &[]).await.expect("a folder");
    let folder = Path::new(row.get::<_, &str>(0));
    let owner = std::fs::metadata(folder).expect("a folder");
    for (name, pem) in [("server.crt", &authority.server_certificate), ("server.key", &authority.server_key)] {
        let path = folder.join(name);
        std::fs::write(&path, pem).expect("written");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).expect("private");
        chown(&path, Some(owner.uid()), Some(owner.gid())).expect("the server's");
    }
    client.batch_execute("alter system set ssl = on").await.expect("set");
    client.batch_execute("select pg_reload_conf()").await.expect("asked");
    // The server reloads its configuration asynchronously.
    while client.query_one("show ssl", &[]).await.expect("a response").get::<_, &str>(0) != "on" {}
}

#[tokio::test]
async fn server_certificate_must_match_authority_and_name() {
    let server = start(DataDir::Temporary).await;
    let (ours, another) = (Authority::new(), Authority::new());
    secure(&server, &ours).await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, pem: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, pem).expect("written");
        path.display().to_string()
    };
    let (ours, another) = (file("ours.pem", &ours.pem), file("another.pem", &another.pem));

    let by_address = server.url("postgres");
    let by_name = by_address.replace("127.0.0.1", "localhost");
    for (url, parameters, expected) in [
        (&by_name, format!("sslmode=verify-full&sslrootcert={ours}"), None),
        (&by_name, format!("sslmode=require&sslrootcert={ours}"), None),
        (&by_address, format!("sslmode=verify-full&sslrootcert={ours}"), Some("certificate not valid for name")),
        (&by_address, format!("sslmode=require&sslrootcert={ours}"), Some("certificate not valid for name")),
        (&by_name, format!("sslmode=verify-full&sslrootcert={another}"), Some("invalid peer certificate")),
        (&by_name, "sslmode=verify-full".into(), Some("invalid peer certificate")),
        (
            &by_name,
            "sslmode=verify-full&sslrootcert=/nowhere.pem".into(),
            Some("sslrootcert=/nowhere.pem: No such file"),
        ),
    ] {
        let database = Database::new(&format!("{url}?{parameters}"), 1).expect("a URL");
        let answered = database.ping().await.map_err(|why| why.to_string());
        match (expected, &answered) {
            (None, Ok(())) => {}
            (Some(text), Err(why)) if why.contains(text) => {}
            _ => panic!("{parameters}: {answered:?}"),
        }
    }
}
