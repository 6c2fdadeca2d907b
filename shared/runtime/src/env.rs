//! Reads the environment: a missing variable is `None`, a malformed one is an error that names the variable.
//!
//! A value can be a reference, such as `ssm:/sigpost/token`: [`start`](crate::start()) resolves all references once,
//! and the functions here return the resolved values.

use std::collections::HashMap;
use std::fmt::Display;
use std::str::FromStr;
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow};

use crate::settings::Setting;

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

/// Returns the name of this Lambda function.
pub fn function_name() -> Option<String> {
    std::env::var("AWS_LAMBDA_FUNCTION_NAME").ok()
}

/// Returns whether this process is a Lambda function on managed instances: it handles several events concurrently,
/// and is not frozen between them.
pub fn on_managed_instances() -> bool {
    std::env::var_os("AWS_LAMBDA_INITIALIZATION_TYPE").is_some_and(|kind| kind == "lambda-managed-instances")
}

/// Returns the setting's value without surrounding white space, such as the line break that `echo` adds to a secret;
/// an empty value counts as missing.
pub fn var(setting: Setting) -> Result<Option<String>> {
    Ok(given(setting)?.map(|given| resolved(given).trim().to_owned()).filter(|value| !value.is_empty()))
}

/// Like [`var`], but returns a reference unresolved.
pub fn given(setting: Setting) -> Result<Option<String>> {
    match std::env::var(setting.name) {
        Ok(value) => Ok(Some(value.trim().to_owned()).filter(|value| !value.is_empty())),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(anyhow!("{} is not valid UTF-8", setting.name)),
    }
}

/// Returns the setting's value.
///
/// # Errors
///
/// The variable is missing; the text has the allowed form.
pub fn required(setting: Setting) -> Result<String> {
    var(setting)?.with_context(|| format!("{} is not set, expected {}", setting.name, setting.form))
}

/// Returns the parsed setting, or its default if the variable is missing.
pub fn parsed<T: FromStr<Err: Display>>(setting: Setting) -> Result<T> {
    Ok(parsed_if_set(setting)?.unwrap_or_else(|| setting.default_as()))
}

/// Returns the parsed setting, if the variable is set.
pub fn parsed_if_set<T: FromStr<Err: Display>>(setting: Setting) -> Result<Option<T>> {
    let Some(text) = var(setting)? else { return Ok(None) };
    let Setting { name, form, .. } = setting;
    text.parse().map(Some).map_err(|why| match given(setting) {
        // A resolved value may be a secret.
        Ok(Some(given)) if given != text => {
            anyhow!("{name}: the value that {given:?} refers to is invalid, expected {form}")
        }
        _ => anyhow!("{name}={text:?} is invalid: {why}, expected {form}"),
    })
}

/// Returns the setting's items, split at commas and trimmed; a missing variable is an empty list.
pub fn list(setting: Setting) -> Result<Vec<String>> {
    Ok(split(&var(setting)?.unwrap_or_default()))
}

/// Splits a comma-separated list; trims items and drops empty ones.
pub fn split(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}
