//! How a connection to Postgres is made and secured: rustls, or plain where the URL allows it.

mod parameters;
mod roots;

use std::path::{Path, PathBuf};
use std::time::Duration;

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::AsyncPgConnection;
use sigpost_runtime::causes::with_causes;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{CancelToken, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::url::Reached;
use parameters::Parameters;
use roots::{Roots, client_config};

/// PgBouncer's own.
const POOLER_PORT: u16 = 6432;

/// Connects as the URL says. `sslmode=disable` never encrypts; `prefer` (the default) encrypts when
/// the server offers it, except to this machine; `require` insists. When encrypted, the certificate
/// and its name are always verified, as by `verify-full` elsewhere: encryption to somebody unknown
/// protects nothing. `sslrootcert=PATH` names the authorities that are believed.
///
/// With `lock_timeout`, a statement that waits longer for somebody else's lock fails.
pub async fn connect(url: &str, lock_timeout: Option<Duration>) -> ConnectionResult<AsyncPgConnection> {
    let (mut config, root_file) = parse(url)?;
    if let Some(timeout) = lock_timeout {
        let given = config.get_options().unwrap_or_default().to_owned();
        config.options(format!("-c lock_timeout={} {given}", timeout.as_millis()));
    }
    match encryption(&config, root_file.as_deref())? {
        None => {
            let (client, connection) = config.connect(NoTls).await.map_err(bad_connection)?;
            AsyncPgConnection::try_from_client_and_connection(client, connection).await
        }
        Some(tls) => {
            let (client, connection) = config.connect(tls).await.map_err(bad_connection)?;
            AsyncPgConnection::try_from_client_and_connection(client, connection).await
        }
    }
}

/// Asks Postgres to leave off what a connection to this URL is at. What comes of it only that connection
/// learns.
pub(crate) async fn cancel(url: &str, token: CancelToken) -> ConnectionResult<()> {
    let (config, root_file) = parse(url)?;
    match encryption(&config, root_file.as_deref())? {
        None => token.cancel_query(NoTls).await,
        Some(tls) => token.cancel_query(tls).await,
    }
    .map_err(bad_connection)
}

fn parse(url: &str) -> ConnectionResult<(Config, Option<PathBuf>)> {
    let Parameters { url, root_file } = Parameters::of(url);
    let config = url.parse().map_err(|why| ConnectionError::InvalidConnectionUrl(format!("{why}")))?;
    Ok((config, root_file))
}

/// What encrypts the connection; `None` when nothing does.
fn encryption(config: &Config, root_file: Option<&Path>) -> ConnectionResult<Option<MakeRustlsConnect>> {
    let plain = match config.get_ssl_mode() {
        SslMode::Disable => true,
        SslMode::Prefer => is_this_machine(config),
        _ => false,
    };
    if plain {
        return Ok(None);
    }
    let names = config.get_hosts().iter().filter_map(|host| match host {
        Host::Tcp(name) => Some(name.as_str()),
        #[cfg(unix)]
        Host::Unix(_) => None,
    });
    Ok(Some(MakeRustlsConnect::new(client_config(Roots::of(root_file, names))?)))
}

/// See [`url::reached`](crate::url::reached()).
pub(crate) fn reached(url: &str) -> Result<Reached, tokio_postgres::Error> {
    let config: Config = Parameters::of(url).url.parse()?;
    Ok(Reached {
        this_machine: is_this_machine(&config),
        never_encrypts: config.get_ssl_mode() == SslMode::Disable,
        pooled: config.get_ports().contains(&POOLER_PORT),
    })
}

fn is_this_machine(config: &Config) -> bool {
    config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    })
}

fn bad_connection(error: tokio_postgres::Error) -> ConnectionError {
    ConnectionError::BadConnection(with_causes(error.to_string(), &error))
}
