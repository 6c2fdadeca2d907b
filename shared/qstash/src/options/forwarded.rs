//! The headers a destination gets.

use http::{HeaderName, HeaderValue};

use super::scope::Scope;
use crate::header_map::bytes_of;
use crate::names::{DELIVERY_HEADERS, MAX_CORRELATION_ID_BYTES, NEVER_FORWARDED, X_CORRELATION_ID};
use crate::{Headers, Invalid, Limits};

/// `Content-Type`, then what `Upstash-Header-Forward` lets through, then `Upstash-Forward-*`,
/// each replacing headers of the same name from before. For a callback only the last.
///
/// Dropped without a word: headers of the connection, `Host` and `Content-Length`. The JavaScript
/// SDK turns every header it is given into a forwarded one, people give it the headers of the
/// request they are serving, and refusing would make that impossible. Dropped as well are the
/// headers this server sets itself on a delivery; other `Upstash-*` headers may be forwarded, for
/// instance to publish to another QStash.
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
        HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid("does not name a valid header"))?;
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
            format!("all forwarded headers together must not exceed {} bytes", limits.max_header_bytes),
        ));
    }
    Ok(headers)
}

/// Handlers would take the message's id in place of an id that they cannot store.
fn check_correlation_id(scope: Scope<'_>, headers: &Headers) -> Result<(), Invalid> {
    match headers.get(X_CORRELATION_ID) {
        Some(id) if id.len() > MAX_CORRELATION_ID_BYTES => Err(Invalid::new(
            scope.field(&format!("forward-{X_CORRELATION_ID}")),
            format!("must not be longer than {MAX_CORRELATION_ID_BYTES} characters"),
        )),
        _ => Ok(()),
    }
}
