//! AWS Signature Version 4, in headers.

use std::time::SystemTime;

use anyhow::{Context, Result};
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign as sigv4};
use aws_sigv4::sign::v4;
use http::Method;
use http::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::authority;

/// The parts of a request that are signed, and the headers that the signature is added to.
pub(super) struct ToSign<'a> {
    pub(super) method: &'a Method,
    pub(super) url: &'a Url,
    pub(super) headers: &'a mut HeaderMap,
    pub(super) body: &'a [u8],
}

/// Signs the method, the URL, the host, the body's hash, `Content-Type` and every `x-amz-` header. Other headers are
/// not signed: AWS does not require it, and signed headers must arrive unchanged.
///
/// # Errors
///
/// A header to be signed is not ASCII.
pub(super) fn sign(
    request: ToSign<'_>,
    service: &str,
    region: &str,
    credentials: Credentials,
    time: SystemTime,
) -> Result<()> {
    let ToSign { method, url, headers, body } = request;
    // These replace what a message may have forwarded.
    for name in ["x-amz-date", "x-amz-security-token", "x-amz-content-sha256"] {
        headers.remove(name);
    }
    let identity = credentials.into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service)
        .time(time)
        .settings(SigningSettings::default())
        .build()?
        .into();

    let mut signed: Vec<(&str, &str)> = Vec::new();
    let host = authority(url);
    if !headers.contains_key(HOST) {
        signed.push((HOST.as_str(), &host));
    }
    for (name, value) in &*headers {
        if [HOST, CONTENT_TYPE].contains(name) || name.as_str().starts_with("x-amz-") {
            signed.push((name.as_str(), value.to_str().with_context(|| format!("{name} is not ASCII"))?));
        }
    }
    let body = SignableBody::Bytes(body);
    let signable = SignableRequest::new(method.as_str(), url.as_str(), signed.into_iter(), body)?;
    let (instructions, _signature) = sigv4(signable, &params)?.into_parts();
    for (name, value) in instructions.headers() {
        let mut value = HeaderValue::from_str(value)?;
        value.set_sensitive(true);
        headers.insert(HeaderName::from_bytes(name.as_bytes())?, value);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// AWS's test suite for Signature Version 4: its credentials, region, service and time.
    fn signed(method: Method, url: &str, fields: &[(&'static str, &'static str)], body: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        let credentials = Credentials::new("AKIDEXAMPLE", secret, None, None, "test");
        // 2015-08-30T12:36:00Z
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_440_938_160);
        let url = Url::parse(url).expect("a URL");
        let request = ToSign { method: &method, url: &url, headers: &mut headers, body: body.as_bytes() };
        sign(request, "service", "us-east-1", credentials, time).expect("signed");
        headers
    }

    fn authorization(headers: &HeaderMap) -> &str {
        headers["authorization"].to_str().expect("ASCII")
    }

    #[test]
    fn signatures_are_those_of_the_test_suite_of_aws() {
        let vanilla = signed(Method::GET, "https://example.amazonaws.com/", &[], "");
        assert_eq!(
            authorization(&vanilla),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
        );
        assert_eq!(vanilla["x-amz-date"], "20150830T123600Z");
        let form = &[("content-type", "application/x-www-form-urlencoded")];
        let posted = signed(Method::POST, "https://example.amazonaws.com/", form, "Param1=value1");
        assert_eq!(
            authorization(&posted),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date, Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"
        );
    }

    #[test]
    fn what_a_message_forwards_is_neither_signed_nor_in_the_way() {
        let url = "https://example.amazonaws.com/";
        let forwarded = &[("x-amz-date", "19700101T000000Z"), ("x-amz-security-token", "mine"), ("user-agent", "u")];
        let headers = signed(Method::GET, url, forwarded, "");
        assert_eq!(authorization(&headers), authorization(&signed(Method::GET, url, &[], "")));
        assert!(!headers.contains_key("x-amz-security-token"));
    }
}
