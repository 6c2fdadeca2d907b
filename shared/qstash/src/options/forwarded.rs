//! The headers for the destination.

use http::{HeaderName, HeaderValue};

use super::scope::Scope;
use crate::header_map::bytes_of;
use crate::names::{DELIVERY_HEADERS, MAX_CORRELATION_ID_BYTES, NEVER_FORWARDED, X_CORRELATION_ID};
use crate::{Headers, Invalid, Limits};

/// Returns `Content-Type`, then the headers that `Upstash-Header-Forward` selects, then `Upstash-Forward-*`, each
/// replacing earlier headers of the same name. For a callback only the last.
///
/// Silently dropped: headers of the connection, `Host` and `Content-Length`. The JavaScript SDK turns every given
/// header into a forwarded one, and its users pass the headers of the request that they are serving, which a
/// rejection would prevent. Dropped as well are the headers that this server sets itself on a delivery; other
/// `Upstash-*` headers may be forwarded, for instance to publish to another QStash.
pub(super) fn headers(scope: Scope<'_>, limits: &Limits) -> Result<Headers, Invalid> {
    let mut headers = Headers::default();
    if scope.prefix.is_empty() {
        headers = scope.params.other_headers().clone();
        if let Some(content_type) = scope.params.content_type()
            && !content_type.is_empty()
        {
            headers.insert("content-type", content_type);
        }
    }
    let mut explicit = Headers::default();
    for (parameter, value) in scope.iter() {
        let Some(name) = parameter.strip_prefix("forward-") else {
            continue;
        };
        let invalid = |reason| Invalid::new(scope.field(parameter), reason);
        HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid("is not a valid header name"))?;
        HeaderValue::from_bytes(&bytes_of(value)).map_err(|_| invalid("is not a valid header value"))?;
        if !NEVER_FORWARDED.contains(&name) && !DELIVERY_HEADERS.contains(&name) {
            explicit.append(name, value);
        }
    }
    headers.map_mut().extend(std::mem::take(explicit.map_mut()));
    check_correlation_id(scope, &headers)?;
    if headers.size_bytes() > limits.max_header_bytes {
        return Err(Invalid::new(
            scope.field("forward-*"),
            format!(
                "all forwarded headers together must not exceed {} bytes, got {} bytes",
                limits.max_header_bytes,
                headers.size_bytes()
            ),
        ));
    }
    Ok(headers)
}

/// Rejects a correlation ID that handlers cannot store and would replace by the message's ID.
fn check_correlation_id(scope: Scope<'_>, headers: &Headers) -> Result<(), Invalid> {
    match headers.get(X_CORRELATION_ID) {
        Some(id) if id.len() > MAX_CORRELATION_ID_BYTES => {
            let field = scope.field(&format!("forward-{X_CORRELATION_ID}"));
            Err(Invalid::too_long(field, MAX_CORRELATION_ID_BYTES, id.len()))
        }
        _ => Ok(()),
    }
}
