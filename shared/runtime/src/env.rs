//! Reads the environment: a missing variable is `None`, a malformed one is an error that names the variable.
//!
//! A value can be a reference, such as `ssm:/sigpost/token`: [`start`](crate::start()) resolves all references once,
//! and the functions here return the resolved values.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow};

/// Resolved values by the text of their references.
static RESOLVED: OnceLock<HashMap<String, String>> = OnceLock::new();

/// Sets the resolved values of references. Only the first call has an effect.
pub(crate) fn set_resolved(values: HashMap<String, String>) {
    let _ = RESOLVED.set(values);
}

/// Returns the value, or the resolved one if it is a reference that was in the environment at startup.
pub fn resolved(value: String) -> String {
    RESOLVED.get().and_then(|values| values.get(&value).cloned()).unwrap_or(value)
}

/// Returns whether this process is a Lambda function.
pub fn in_lambda() -> bool {
    std::env::var_os("AWS_LAMBDA_FUNCTION_NAME").is_some()
}

/// Returns whether this process is a Lambda function on managed instances: it handles several events concurrently,
/// and is not frozen between them.
pub fn on_managed_instances() -> bool {
    std::env::var_os("AWS_LAMBDA_INITIALIZATION_TYPE").is_some_and(|kind| kind == "lambda-managed-instances")
}

/// Returns the variable's value without surrounding white space, such as the line break that `echo` adds to a secret;
/// an empty value counts as missing.
pub fn var(name: &str) -> Result<Option<String>> {
    Ok(given(name)?.map(|given| resolved(given).trim().to_owned()).filter(|value| !value.is_empty()))
}

/// Like [`var`], but returns a reference unresolved.
pub fn given(name: &str) -> Result<Option<String>> {
    match std::env::var(name) {
        Ok(value) => Ok(Some(value.trim().to_owned()).filter(|value| !value.is_empty())),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(anyhow!("{name} is not valid UTF-8")),
    }
}

/// Returns the variable's value.
///
/// # Errors
///
/// The variable is missing; the text says which value is expected.
pub fn required(name: &str) -> Result<String> {
    var(name)?.with_context(|| match REQUIRED.iter().find(|(setting, _)| *setting == name) {
        Some((_, expected)) => format!("{name} is not set, expected {expected}"),
        None => format!("{name} is not set"),
    })
}

/// Expected values of the settings that are configured first.
const REQUIRED: [(&str, &str); 2] = [
    ("DATABASE_URL", "postgres://USER:PASSWORD@HOST:5432/DATABASE"),
    ("QSTASH_TOKEN", "a secret such as `openssl rand -hex 32` makes"),
];

/// A type that settings are parsed as.
pub trait Form {
    /// The expected form of such a setting, for an error.
    const FORM: &'static str;
}

macro_rules! forms {
    ($($form:literal: $($name:ty),+;)+) => {
        $($(impl Form for $name {
            const FORM: &'static str = $form;
        })+)+
    };
}

forms! {
    "a whole number": u32, u64, usize;
    "a whole number of at least 1": std::num::NonZeroU32;
    "true or false": bool;
    "an address and a port such as 127.0.0.1:8080": std::net::SocketAddr;
}

/// Returns the parsed variable, or the default if it is missing.
pub fn parsed<T>(name: &str, default: T) -> Result<T>
where
    T: FromStr<Err: std::fmt::Display> + Form,
{
    match var(name)? {
        None => Ok(default),
        Some(text) => text.parse().map_err(|why| match given(name) {
            // A resolved value may be a secret.
            Ok(Some(given)) if given != text => {
                anyhow!("{name}: the value that {given:?} refers to is invalid, expected {}", T::FORM)
            }
            _ => anyhow!("{name}={text:?} is invalid: {why}, expected {}", T::FORM),
        }),
    }
}

/// Returns the variable's items, split at commas and trimmed; a missing variable is an empty list.
pub fn list(name: &str) -> Result<Vec<String>> {
    Ok(split(&var(name)?.unwrap_or_default()))
}

/// Splits a comma-separated list; trims items and drops empty ones.
pub fn split(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}
