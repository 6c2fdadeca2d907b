//! Connections to Postgres: with rustls, or without TLS if the URL allows it.

mod parameters;
mod roots;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::AsyncPgConnection;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sigpost_runtime::causes::with_causes;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres::{CancelToken, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::database::watch::{Watch, drive};
use parameters::Parameters;
use roots::{Roots, client_config};

/// The default port of PgBouncer.
const POOLER_PORT: u16 = 6432;

/// Time after which a connection with unacknowledged data counts as broken.
const UNACKNOWLEDGED: Duration = Duration::from_secs(5);
/// Idle time after which a connection is probed. It counts as broken after two more probes without a response.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(5);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(2);
const KEEPALIVE_RETRIES: u32 = 2;

/// The target of a URL, as far as the URL shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// Whether it is this machine only.
    pub this_machine: bool,
    /// `sslmode=disable`.
    pub never_encrypts: bool,
    /// Whether the port is a usual port of poolers.
    pub pooled: bool,
}

/// Connects as the URL specifies. `sslmode=disable` never encrypts; `prefer` (the default) encrypts if the server
/// supports it, except to this machine; `require` always encrypts. With TLS, the certificate and its name are always
/// verified, as with `verify-full` elsewhere: encryption to an unknown server protects nothing. `sslrootcert=PATH`
/// names the trusted authorities.
pub async fn connect(url: &str) -> ConnectionResult<AsyncPgConnection> {
    let (config, root_file) = parse(url)?;
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

/// Connects with a watch on the statements, and only to a server that accepts writes, unless the URL has
/// `target_session_attrs`. A statement that waits for a lock for longer than `lock_timeout` fails.
pub(crate) async fn connect_watched(
    url: &Arc<str>,
    lock_timeout: Duration,
    watch: Arc<Watch>,
) -> ConnectionResult<AsyncPgConnection> {
    let (mut config, root_file) = parse(url)?;
    let given = config.get_options().unwrap_or_default().to_owned();
    config.options(format!("-c lock_timeout={} {given}", lock_timeout.as_millis()));
    if !url.contains("target_session_attrs=") {
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
    match encryption(&config, root_file.as_deref())? {
        None => {
            let (client, connection) = config.connect(NoTls).await.map_err(bad_connection)?;
            tokio::spawn(drive(connection, watch, canceller(url, client.cancel_token())));
            AsyncPgConnection::try_from(client).await
        }
        Some(tls) => {
            let (client, connection) = config.connect(tls).await.map_err(bad_connection)?;
            tokio::spawn(drive(connection, watch, canceller(url, client.cancel_token())));
            AsyncPgConnection::try_from(client).await
        }
    }
}

/// Checks the URL.
pub(crate) fn check(url: &str) -> ConnectionResult<()> {
    parse(url).map(|_| ())
}

/// Returns a function that cancels the statement of a connection to this URL.
fn canceller(url: &Arc<str>, token: CancelToken) -> impl Fn() -> BoxFuture<'static, ConnectionResult<()>> + use<> {
    let url = Arc::clone(url);
    move || {
        let (url, token) = (Arc::clone(&url), token.clone());
        async move { cancel(&url, token).await }.boxed()
    }
}

/// Asks Postgres to cancel the statement of a connection to this URL. Only that connection gets the result.
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
    let mut config: Config = url.parse().map_err(|why| ConnectionError::InvalidConnectionUrl(format!("{why}")))?;
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(UNACKNOWLEDGED);
    }
    if !url.contains("keepalives") {
        config
            .keepalives_idle(KEEPALIVE_IDLE)
            .keepalives_interval(KEEPALIVE_INTERVAL)
            .keepalives_retries(KEEPALIVE_RETRIES);
    }
    Ok((config, root_file))
}

/// Returns the TLS connector; `None` without encryption.
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
