use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Mac;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{DEFAULT_TOLERANCE, KeyUsed, SignatureError, Verifier};
use crate::sign::keyed;
use crate::{Signer, SigningKeys};

const URL: &str = "https://example.com/hook?a=1&b=%20\"";
const BODY: &[u8] = b"{\"n\":1}";
/// SHA-256 of [`BODY`] in base64url, computed with Python.
const BODY_HASH: &str = "K_0U9D0X_HzqJOCReoh5tLL4gLi67sG52Q-6rWVecb0=";

fn now() -> Timestamp {
    Timestamp::from_second(1_755_856_800).unwrap()
}

fn verifier() -> Verifier {
    Verifier::new(&SigningKeys::dev(), DEFAULT_TOLERANCE)
}

/// Returns a token of any content with a valid signature.
fn token(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let mut mac = keyed(&SigningKeys::dev().current);
    mac.update(signed.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    format!("{signed}.{signature}")
}

fn good_claims() -> Value {
    json!({
        "iss": "Upstash", "sub": URL, "exp": 1_755_857_100, "nbf": 0, "iat": 1_755_856_800,
        "jti": "jwt_1", "body": BODY_HASH,
    })
}

/// Verifies valid claims of which one is changed.
fn verify_with(claim: &str, value: Value) -> Result<KeyUsed, SignatureError> {
    let mut claims = good_claims();
    claims[claim] = value;
    let token = token(&json!({"alg": "HS256"}), &claims);
    verifier().verify(&token, URL, BODY, now()).map(|verified| verified.key)
}

#[test]
fn our_own_tokens_are_good_with_either_key() {
    let keys = SigningKeys::dev();
    for (key, used) in [(&keys.current, KeyUsed::Current), (&keys.next, KeyUsed::Next)] {
        for (url, body) in [(URL, BODY), ("https://example.com", b"".as_slice()), (URL, b"\xff\x00")] {
            let token = Signer::new(key).sign(url, body, now());
            let verified = verifier().verify(&token, url, body, now()).unwrap();
            assert_eq!(verified.key, used);
            assert!(verified.jwt_id.starts_with("jwt_"));
        }
    }
}

#[test]
fn a_token_is_good_for_one_url_one_body_and_five_minutes() {
    let token = Signer::new(&SigningKeys::dev().current).sign(URL, BODY, now());
    let verify = |url: &str, body: &[u8], seconds: i64| {
        let at = now() + SignedDuration::from_secs(seconds);
        verifier().verify(&token, url, body, at).map(|_| ())
    };
    assert_eq!(verify(URL, BODY, 0), Ok(()));
    assert_eq!(verify(URL, BODY, 304), Ok(()));
    assert_eq!(verify(URL, BODY, 305), Err(SignatureError::Expired));
    // A receiver whose clock is slow: `nbf` is 0 and `iat` is not checked.
    assert_eq!(verify(URL, BODY, -3600), Ok(()));
    assert_eq!(verify("https://example.com/hook", BODY, 0), Err(SignatureError::WrongUrl));
    assert_eq!(verify(&format!("{URL}/"), BODY, 0), Err(SignatureError::WrongUrl));
    assert_eq!(verify(URL, b"{\"n\":2}", 0), Err(SignatureError::WrongBody));
    assert_eq!(verify(URL, b"", 0), Err(SignatureError::WrongBody));
}

#[test]
fn every_changed_character_is_noticed() {
    let token = Signer::new(&SigningKeys::dev().current).sign(URL, BODY, now());
    for index in 0..token.len() {
        let mut changed = token.clone().into_bytes();
        changed[index] = if changed[index] == b'A' { b'Q' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert!(verifier().verify(&changed, URL, BODY, now()).is_err(), "at {index}");
    }
}

#[test]
fn claims_are_checked_one_by_one() {
    use SignatureError::{Expired, Malformed, NotYetValid, WrongBody, WrongIssuer, WrongUrl};
    for (claim, value, error) in [
        ("iss", json!("upstash"), WrongIssuer),
        ("iss", Value::Null, Malformed),
        ("exp", json!(1_755_856_795), Expired),
        ("exp", Value::Null, Malformed),
        ("nbf", json!(1_755_856_806), NotYetValid),
        ("sub", json!(""), WrongUrl),
        ("body", json!(""), WrongBody),
        ("body", json!("AAAA"), WrongBody),
        ("jti", json!(1.5), Malformed),
    ] {
        assert_eq!(verify_with(claim, value.clone()), Err(error), "{claim} {value}");
    }
}

#[test]
fn other_peoples_spellings_are_good() {
    for (claim, value) in [
        ("body", json!(BODY_HASH.trim_end_matches('='))),
        ("exp", json!(1_755_856_796)),
        ("exp", json!(1_755_857_100.5)),
        ("nbf", json!(1_755_856_805)),
        ("iat", json!(1_755_860_000)),
        ("extra", json!({"any": "thing"})),
    ] {
        assert_eq!(verify_with(claim, value.clone()), Ok(KeyUsed::Current), "{claim} {value}");
    }
    let mut claims = good_claims();
    claims.as_object_mut().unwrap().retain(|name, _| !["nbf", "iat", "jti"].contains(&name.as_str()));
    let token = token(&json!({"alg": "HS256", "typ": "other", "kid": "1"}), &claims);
    let verified = verifier().verify(&token, URL, BODY, now()).unwrap();
    assert_eq!(verified.jwt_id, "");
}

#[test]
fn the_algorithm_is_not_the_tokens_choice() {
    for alg in ["none", "None", "HS512", "RS256", "hs256", ""] {
        let token = token(&json!({"alg": alg, "typ": "JWT"}), &good_claims());
        assert_eq!(verifier().verify(&token, URL, BODY, now()), Err(SignatureError::WrongAlgorithm));
    }
    let unsigned = token(&json!({"alg": "HS256"}), &good_claims());
    let unsigned = format!("{}.", unsigned.rsplit_once('.').unwrap().0);
    assert_eq!(verifier().verify(&unsigned, URL, BODY, now()), Err(SignatureError::WrongSignature));
}

/// RFC 7515, section 4.1.11: an unknown critical extension must be rejected.
#[test]
fn a_critical_extension_is_rejected() {
    for critical in [json!(["b64"]), json!([]), json!("exp"), json!({})] {
        let token = token(&json!({ "alg": "HS256", "crit": critical, "b64": false }), &good_claims());
        assert_eq!(verifier().verify(&token, URL, BODY, now()), Err(SignatureError::CriticalExtension), "{critical}");
    }
}

#[test]
fn what_is_no_token_is_malformed() {
    let good = token(&json!({"alg": "HS256"}), &good_claims());
    let (signed, signature) = good.rsplit_once('.').unwrap();
    for token in [
        "",
        ".",
        "..",
        "...",
        "a.b",
        signed,
        &format!("{good}="),
        &format!(" {good}"),
        &format!("{signed}.{signature}.{signature}"),
        &"x".repeat(200_000),
    ] {
        assert_eq!(verifier().verify(token, URL, BODY, now()), Err(SignatureError::Malformed), "{token:.100}");
    }
}

#[test]
fn unknown_keys_sign_nothing() {
    let token = Signer::new("sig_otherdeployment").sign(URL, BODY, now());
    assert_eq!(verifier().verify(&token, URL, BODY, now()), Err(SignatureError::WrongSignature));
}
