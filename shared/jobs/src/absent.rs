//! Deserialization of optional fields.

use serde::{Deserialize, Deserializer};

/// Reads `null` as the type's default, like an absent field: other languages write unset fields as `null`. For a field
/// that is not an `Option`:
///
/// ```
/// # use serde::Deserialize;
/// #[derive(Deserialize)]
/// struct Invite {
///     #[serde(default, deserialize_with = "sigpost_jobs::null_is_absent")]
///     emails: Vec<String>,
/// }
///
/// let invite: Invite = serde_json::from_str(r#"{"emails":null}"#).unwrap();
/// assert!(invite.emails.is_empty());
/// ```
///
/// # Errors
///
/// The value is invalid for the type.
pub fn null_is_absent<'de, T: Deserialize<'de> + Default, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(from)?.unwrap_or_default())
}
