//! The database URL from the environment.

use anyhow::{Context, Result, anyhow, ensure};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sigpost_runtime::settings::{DATABASE_CONNECTIONS, DATABASE_PASSWORD, DATABASE_URL};
use sigpost_runtime::{Reading, env};

pub use crate::tls::Reached;
use crate::{Database, tls};

/// Returns `DATABASE_URL` with `DATABASE_PASSWORD` inserted. It contains a password and must not be logged. `None`
/// after a recorded problem, or without a URL where none is required.
pub fn from_settings(reading: &mut Reading) -> Option<String> {
    let url = reading.required(DATABASE_URL)?;
    let url = reading.noted(DATABASE_PASSWORD, complete_url(url))?;
    let form = DATABASE_URL.form;
    let read = reached(&url).map_err(|why| anyhow!("DATABASE_URL cannot be read: {why}, expected {form}"));
    reading.noted(DATABASE_URL, read).map(|_| url)
}

/// Returns a pool for `DATABASE_URL` with `DATABASE_CONNECTIONS`, which is not connected yet. The default is
/// that of the program. `None` as in [`from_settings`].
pub fn database(reading: &mut Reading, program: &str) -> Option<Database> {
    let connections = reading.noted(DATABASE_CONNECTIONS, connections_from_env(program));
    let url = from_settings(reading)?;
    reading.noted(DATABASE_URL, Database::new(&url, connections?).context("DATABASE_URL"))
}

/// Resolves the URL if it is a reference, and inserts `DATABASE_PASSWORD` if the URL has no password: RDS stores and
/// rotates the password of a database in a secret of its own.
///
/// # Errors
///
/// A password is set, but the URL has no user.
pub fn complete_url(url: String) -> Result<String> {
    let url = env::resolved(url);
    match env::var(DATABASE_PASSWORD)? {
        Some(password) => with_password(&url, &password)
            .context("DATABASE_PASSWORD requires a DATABASE_URL that begins with postgres://USER@"),
        None => Ok(url),
    }
}

/// Returns `DATABASE_CONNECTIONS`: default 1 in Lambda, where an environment handles one event at a time and there
/// are many environments; elsewhere, and on Lambda's managed instances, that of the program.
///
/// # Errors
///
/// The value is not a number, or 0.
pub fn connections_from_env(program: &str) -> Result<usize> {
    let one_at_a_time = env::in_lambda() && !env::on_managed_instances();
    let place = if one_at_a_time { "Lambda" } else { program };
    let connections =
        env::parsed_if_set(DATABASE_CONNECTIONS)?.unwrap_or_else(|| DATABASE_CONNECTIONS.default_of(place));
    ensure!(connections > 0, "DATABASE_CONNECTIONS must be at least 1");
    Ok(connections)
}

/// Returns the target of the URL.
///
/// # Errors
///
/// The text is not a Postgres URL; the error contains at most a name from it.
pub fn reached(url: &str) -> Result<Reached, String> {
    tls::reached(url).map_err(|why| why.to_string())
}

/// Inserts the password, with any characters, into a URL without one. `None` if the URL has no user.
fn with_password(url: &str, password: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://").filter(|(scheme, _)| ["postgres", "postgresql"].contains(scheme))?;
    let authority_end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (user, host) = rest[..authority_end].rsplit_once('@')?;
    let user = match user.split_once(':') {
        Some((_, given)) if !given.is_empty() => return Some(url.to_owned()),
        Some((user, _)) => user,
        None => user,
    };
    let (password, after) = (utf8_percent_encode(password, NON_ALPHANUMERIC), &rest[authority_end..]);
    Some(format!("{scheme}://{user}:{password}@{host}{after}")).filter(|_| !user.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn password_is_put_where_there_is_none() {
        for (url, completed) in [
            ("postgres://u@h/d", Some("postgres://u:p%40%2F%25%23%3A@h/d")),
            ("postgresql://u:@h:1,h2:2?x=a@b", Some("postgresql://u:p%40%2F%25%23%3A@h:1,h2:2?x=a@b")),
            ("postgres://u:own@h/d", Some("postgres://u:own@h/d")),
            ("postgres://h/d", None),
            ("postgres://@h/d", None),
            ("postgres://h/d?user=a@b", None),
            ("host=h user=u", None),
        ] {
            assert_eq!(with_password(url, "p@/%#:").as_deref(), completed, "{url}");
        }
    }

    #[test]
    fn driver_reads_the_password_that_was_put_in() {
        for password in ["p@/%#:", "%41", "grüß dich", "a b+c&d=e"] {
            let url = with_password("postgres://u@h/d", password).expect("a user");
            let config: tokio_postgres::Config = url.parse().expect("a URL");
            assert_eq!(config.get_password(), Some(password.as_bytes()));
        }
    }
}
