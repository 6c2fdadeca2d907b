//! Reading the environment: missing is `None`, malformed is an error that names the variable.

use std::str::FromStr;

use anyhow::{Context, Result, anyhow};

/// The variable's value; empty counts as missing.
pub fn var(name: &str) -> Result<Option<String>> {
    match std::env::var(name) {
        Ok(value) if value.is_empty() => Ok(None),
        Ok(value) => Ok(Some(value)),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(anyhow!("{name} is not valid UTF-8")),
    }
}

/// The variable's value, or an error that says to set it.
pub fn required(name: &str) -> Result<String> {
    var(name)?.with_context(|| format!("{name} is not set"))
}

/// The variable parsed, or the default when it is missing.
pub fn parsed<T>(name: &str, default: T) -> Result<T>
where
    T: FromStr<Err: std::fmt::Display>,
{
    match var(name)? {
        None => Ok(default),
        Some(text) => text.parse().map_err(|why| anyhow!("{name}={text:?} cannot be read: {why}")),
    }
}

/// The variable split at commas, trimmed; missing is an empty list.
pub fn list(name: &str) -> Result<Vec<String>> {
    Ok(split(&var(name)?.unwrap_or_default()))
}

/// A comma-separated list, trimmed, without empty items.
pub fn split(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}
