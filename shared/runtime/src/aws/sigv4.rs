//! The signature: AWS Signature Version 4, in headers.

use std::time::SystemTime;

use anyhow::{Context, Result};
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign as sigv4};
use aws_sigv4::sign::v4;
use reqwest::Request;
use reqwest::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue};

use super::authority;

/// Signs the method, the URL, the host, the body's hash, `Content-Type` and every `x-amz-` header.
/// Other headers are not signed: AWS asks for no more, and what is signed must arrive unchanged.
///
/// # Errors
///
/// The body is a stream, or a header that would be signed is no text.
pub(super) fn sign(
    request: &mut Request,
    service: &str,
    region: &str,
    credentials: Credentials,
    time: SystemTime,
) -> Result<()> {
    // The signer's own take the place of what a message may have forwarded.
    for name in ["x-amz-date", "x-amz-security-token", "x-amz-content-sha256"] {
        request.headers_mut().remove(name);
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
    let host = authority(request.url());
    if !request.headers().contains_key(HOST) {
        signed.push((HOST.as_str(), &host));
    }
    for (name, value) in request.headers() {
        if [HOST, CONTENT_TYPE].contains(name) || name.as_str().starts_with("x-amz-") {
            signed.push((name.as_str(), value.to_str().with_context(|| format!("{name} is not ASCII"))?));
        }
    }
    let body = match request.body() {
        None => &[][..],
        Some(body) => body.as_bytes().context("a stream cannot be signed")?,
    };
    let signable = SignableRequest::new(
        request.method().as_str(),
        request.url().as_str(),
        signed.into_iter(),
        SignableBody::Bytes(body),
    )?;
    let (instructions, _signature) = sigv4(signable, &params)?.into_parts();
    for (name, value) in instructions.headers() {
        let mut value = HeaderValue::from_str(value)?;
        value.set_sensitive(true);
        request.headers_mut().insert(HeaderName::from_bytes(name.as_bytes())?, value);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reqwest::{Method, Url};

    use super::*;

    /// AWS's test suite for Signature Version 4: its credentials, region, service and time.
    fn signed(method: Method, url: &str, headers: &[(&'static str, &'static str)], body: &'static str) -> Request {
        let mut request = Request::new(method, Url::parse(url).expect("a URL"));
        for (name, value) in headers {
            request.headers_mut().insert(*name, HeaderValue::from_static(value));
        }
        *request.body_mut() = (!body.is_empty()).then(|| body.into());
        let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        let credentials = Credentials::new("AKIDEXAMPLE", secret, None, None, "test");
        // 2015-08-30T12:36:00Z
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_440_938_160);
        sign(&mut request, "service", "us-east-1", credentials, time).expect("signed");
        request
    }

    fn authorization(request: &Request) -> &str {
        request.headers()["authorization"].to_str().expect("ASCII")
    }

    #[test]
    fn signatures_are_those_of_the_test_suite_of_aws() {
        let vanilla = signed(Method::GET, "https://example.amazonaws.com/", &[], "");
        assert_eq!(
            authorization(&vanilla),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
        );
        assert_eq!(vanilla.headers()["x-amz-date"], "20150830T123600Z");
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
        let request = signed(Method::GET, url, forwarded, "");
        assert_eq!(authorization(&request), authorization(&signed(Method::GET, url, &[], "")));
        assert!(!request.headers().contains_key("x-amz-security-token"));
    }
}
