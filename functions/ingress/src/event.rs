//! Reads verified events.

use std::net::IpAddr;

use axum::http::HeaderMap;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sigpost_jobs::Invalid;
use sigpost_qstash::json;

/// Reads a body. The error names the field.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Invalid> {
    let json: Value = serde_json::from_slice(body).map_err(|why| Invalid::new("body", json::reason(&why)))?;
    serde_path_to_error::deserialize(&json).map_err(|why| {
        let path = why.path().to_string();
        Invalid::new(if path == "." { "body".to_owned() } else { path }, json::reason(why.inner()))
    })
}

/// Returns the IP address of the sender as reported by the proxy. It is informational.
pub(crate) fn sender(headers: &HeaderMap) -> Option<String> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let first = header("x-forwarded-for").and_then(|list| list.split(',').next()).or_else(|| header("x-real-ip"))?;
    first.trim().parse::<IpAddr>().ok().map(|address| address.to_string())
}
