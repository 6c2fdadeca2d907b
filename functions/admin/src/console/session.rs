//! Sessions of signed-in users: a cookie that any process of the deployment can verify.
//!
//! Its value is `<expiry>.<random ID>.<HMAC>`. The HMAC key is derived from the admin token: nothing is stored, and a
//! new token ends all sessions. The form token is another HMAC of the same two parts.

use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};
use sha2::Sha256;

/// Name of the cookie.
const NAME: &str = "sigpost_session";
/// Lifetime of a session. Activity does not extend it.
const LIFETIME: SignedDuration = SignedDuration::from_hours(12);
/// Form field with [`Session::form_token`].
pub(crate) const FORM_TOKEN: &str = "form_token";

/// Creates and verifies sessions. It has no `Debug` because it holds a key.
#[derive(Clone)]
pub(crate) struct Sessions(Hmac<Sha256>);

/// Session of a signed-in user.
#[derive(Clone)]
pub(crate) struct Session {
    /// Token in all forms that change something. Pages of other sites cannot know it.
    form_token: String,
}

impl Sessions {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(Hmac::new_from_slice(key).unwrap_or_else(|_| unreachable!("HMAC takes keys of any length")))
    }

    /// Returns the cookie value of a new session.
    pub(crate) fn begin(&self, now: Timestamp) -> String {
        let expires = now.saturating_add(LIFETIME).map_or(0, Timestamp::as_second);
        let id = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 16]>());
        let signed = format!("{expires}.{id}");
        format!("{signed}.{}", self.mac("session", &signed))
    }

    /// Returns the session of a request; `None` if it is missing, forged or expired.
    pub(crate) fn of(&self, headers: &HeaderMap, now: Timestamp) -> Option<Session> {
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.filter(|(name, _)| *name == NAME).find_map(|(_, value)| self.check(value, now))
    }

    fn check(&self, value: &str, now: Timestamp) -> Option<Session> {
        let (signed, mac) = value.rsplit_once('.')?;
        let mac = URL_SAFE_NO_PAD.decode(mac).ok()?;
        self.begun("session", signed).verify_slice(&mac).ok()?;
        let expires: i64 = signed.split_once('.')?.0.parse().ok()?;
        (now.as_second() < expires).then(|| Session { form_token: self.mac("form", signed) })
    }

    fn begun(&self, purpose: &str, signed: &str) -> Hmac<Sha256> {
        self.0.clone().chain_update(purpose).chain_update(":").chain_update(signed)
    }

    fn mac(&self, purpose: &str, signed: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.begun(purpose, signed).finalize().into_bytes())
    }
}

impl Session {
    /// Whether this is the form token of the session. The comparison takes constant time.
    pub(crate) fn is_form_token(&self, given: &str) -> bool {
        subtle::ConstantTimeEq::ct_eq(given.as_bytes(), self.form_token.as_bytes()).into()
    }

    /// Renders the hidden field with the form token.
    pub(crate) fn field(&self) -> Markup {
        html! { input type="hidden" name=(FORM_TOKEN) value=(self.form_token); }
    }
}

/// Returns `Set-Cookie` for a session. `secure` is false only for requests over the loopback interface.
pub(crate) fn set_cookie(value: &str, secure: bool) -> String {
    cookie(value, LIFETIME.as_secs(), secure)
}

/// Returns `Set-Cookie` that deletes the cookie.
pub(crate) fn clear_cookie(secure: bool) -> String {
    cookie("", 0, secure)
}

fn cookie(value: &str, max_age_s: i64, secure: bool) -> String {
    let secure = if secure { "; Secure" } else { "" };
    format!("{NAME}={value}; Path=/console; Max-Age={max_age_s}; HttpOnly; SameSite=Strict{secure}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookie: &str) -> HeaderMap {
        [(COOKIE, cookie.parse().expect("a value"))].into_iter().collect()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    #[test]
    fn session_lasts_twelve_hours_and_not_a_second_longer() {
        let sessions = Sessions::new(&[1; 32]);
        let cookie = headers(&format!("other=1; {NAME}={}", sessions.begin(at(1000))));
        assert!(sessions.of(&cookie, at(1000 + 12 * 3600 - 1)).is_some());
        assert!(sessions.of(&cookie, at(1000 + 12 * 3600)).is_none());
    }

    #[test]
    fn session_of_another_token_or_changed_is_invalid() {
        let sessions = Sessions::new(&[1; 32]);
        let value = sessions.begin(at(0));
        let (signed, mac) = value.rsplit_once('.').expect("parts");
        let longer = format!("99999999999{}.{mac}", &signed[signed.find('.').expect("a dot")..]);
        let form_token = sessions.mac("form", signed);
        for forged in [
            Sessions::new(&[2; 32]).begin(at(0)),
            longer,
            signed.to_owned(),
            format!("{signed}."),
            format!("{signed}.{form_token}"),
            String::new(),
        ] {
            assert!(sessions.of(&headers(&format!("{NAME}={forged}")), at(1)).is_none(), "{forged}");
        }
        assert!(sessions.of(&HeaderMap::new(), at(1)).is_none());
        // Any process with the same token accepts it.
        assert!(Sessions::new(&[1; 32]).of(&headers(&format!("{NAME}={value}")), at(1)).is_some());
    }

    #[test]
    fn form_token_is_of_one_session_only() {
        let sessions = Sessions::new(&[1; 32]);
        let session = |value: &str| sessions.check(value, at(1)).expect("a session");
        let (mine, other) = (session(&sessions.begin(at(0))), session(&sessions.begin(at(0))));
        assert!(mine.is_form_token(&mine.form_token));
        assert!(!mine.is_form_token(&other.form_token) && !mine.is_form_token(""));
    }
}
