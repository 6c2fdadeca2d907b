//! Reading the environment: missing is `None`, malformed is an error that names the variable.
//!
//! A value can be a reference, such as `ssm:/sigpost/token`: [`start`](crate::start()) resolves all of
//! them once, and here they are read as what they refer to.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow};

/// What references refer to, by their text.
static RESOLVED: OnceLock<HashMap<String, String>> = OnceLock::new();

/// Has references read as these values from now on. Only the first call counts.
pub(crate) fn set_resolved(values: HashMap<String, String>) {
    let _ = RESOLVED.set(values);
}

/// The value, or what it refers to if it is a reference that was in the environment at the start.
pub fn resolved(value: String) -> String {
    RESOLVED.get().and_then(|values| values.get(&value).cloned()).unwrap_or(value)
}

/// Whether this process is a Lambda function.
pub fn in_lambda() -> bool {
    std::env::var_os("AWS_LAMBDA_FUNCTION_NAME").is_some()
}

/// Whether this process is a Lambda function on managed instances: it has several events at once, and is
/// not frozen in between.
pub fn on_managed_instances() -> bool {
    std::env::var_os("AWS_LAMBDA_INITIALIZATION_TYPE").is_some_and(|kind| kind == "lambda-managed-instances")
}

/// The variable's value without white space around it, such as the line break of a secret that `echo` made; empty counts
/// as missing.
pub fn var(name: &str) -> Result<Option<String>> {
    Ok(given(name)?.map(|given| resolved(given).trim().to_owned()).filter(|value| !value.is_empty()))
}

/// The same, where a reference is not what it refers to.
pub fn given(name: &str) -> Result<Option<String>> {
    match std::env::var(name) {
        Ok(value) => Ok(Some(value.trim().to_owned()).filter(|value| !value.is_empty())),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(anyhow!("{name} is not valid UTF-8")),
    }
}

/// The variable's value, or an error that says to set it.
pub fn required(name: &str) -> Result<String> {
    var(name)?.with_context(|| match REQUIRED.iter().find(|(setting, _)| *setting == name) {
        Some((_, expected)) => format!("{name} is not set, expected {expected}"),
        None => format!("{name} is not set"),
    })
}

/// What the settings that most people set first look like.
const REQUIRED: [(&str, &str); 2] = [
    ("DATABASE_URL", "postgres://USER:PASSWORD@HOST:5432/DATABASE"),
    ("QSTASH_TOKEN", "a secret such as `openssl rand -hex 32` makes"),
];

/// A type that settings are parsed as.
pub trait Form {
    /// What such a setting looks like, for an error.
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

/// The variable parsed, or the default when it is missing.
pub fn parsed<T>(name: &str, default: T) -> Result<T>
where
    T: FromStr<Err: std::fmt::Display> + Form,
{
    match var(name)? {
        None => Ok(default),
        Some(text) => text.parse().map_err(|why| match given(name) {
            // What was resolved may be a secret.
            Ok(Some(given)) if given != text => {
                anyhow!("{name}: what {given:?} refers to cannot be read, expected {}", T::FORM)
            }
            _ => anyhow!("{name}={text:?} cannot be read: {why}, expected {}", T::FORM),
        }),
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
