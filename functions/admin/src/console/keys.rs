//! Signing keys: age and rotation. The console does not show whole keys.

use axum::Extension;
use axum::extract::State;
use jiff::Timestamp;
use maud::html;
use reqwest::Method;
use serde::Deserialize;
use sigpost_store::operation::key_state;

use super::Console;
use super::elements::full;
use super::failure::Failure;
use super::form::{CONFIRMED, Posted};
use super::notice::Notice;
use super::page::{Page, Section, SeeOther};
use super::session::Session;
use crate::connection::connection;

const PAGE: &str = "/console/keys";
/// Number of characters of a key that are shown: enough to compare two keys, too few to sign.
const SHOWN_CHARS: usize = 8;

#[derive(Deserialize)]
struct Keys {
    current: String,
    next: String,
}

/// Serves `/console/keys`.
pub(crate) async fn show_keys(State(console): State<Console>) -> Result<Page, Failure> {
    let Keys { current, next } = console.api.get(&["keys"], &[]).await?;
    let state = key_state(&mut *connection(&console.database).await?).await?;
    let begins = |key: &str| html! { code { (key.chars().take(SHOWN_CHARS).collect::<String>()) "…" } };
    let content = html! {
        p { "Deliveries are signed with the current key. Receivers accept both keys, which allows rotation without downtime." }
        dl {
            dt { "Current key" } dd { (begins(&current)) }
            dt { "Next key" } dd { (begins(&next)) }
            dt { "In use since" }
            dd { @match state { Some(state) => (full(state.rotated_at_ms, Timestamp::now())), None => "–" } }
        }
        p { a.action href={ (PAGE) "/rotate" } { "Rotate keys…" } }
        p.hint {
            "Get the whole keys from " code { "GET /v2/keys" } " with the API token. Receivers need them in "
            code { "QSTASH_CURRENT_SIGNING_KEY" } " and " code { "QSTASH_NEXT_SIGNING_KEY" } "."
        }
    };
    Ok(Page::of(Section::Keys, content))
}

/// Serves `/console/keys/rotate`: explains the rotation and asks for a confirmation.
pub(crate) async fn ask_to_rotate(Extension(session): Extension<Session>) -> Page {
    let content = html! {
        p { "The next key becomes the current key, and a new next key is generated. The current key is deleted." }
        p { "A receiver without the present next key then rejects all deliveries. "
            "Configure both keys at all receivers first. Give them the new next key afterwards." }
        form.stack method="post" action={ (PAGE) "/rotate" } {
            (session.field())
            label.check for="confirmed" {
                input id="confirmed" type="checkbox" name=(CONFIRMED) value="yes" required;
                "All receivers have the next key"
            }
            div.actions {
                button.danger { "Rotate keys" }
                a.action href=(PAGE) { "Go back" }
            }
        }
    };
    Page::titled(Section::Keys, "Rotate the signing keys?", content)
}

/// Rotates the keys after a confirmation.
pub(crate) async fn rotate_keys(
    State(console): State<Console>,
    Extension(session): Extension<Session>,
    Extension(posted): Extension<Posted>,
) -> Result<Result<SeeOther, Page>, Failure> {
    if !posted.is_confirmed() {
        return Ok(Err(ask_to_rotate(Extension(session)).await));
    }
    console.api.call(Method::POST, &["keys", "rotate"]).await?;
    Ok(Ok(SeeOther::with(PAGE, Notice::KeysRotated, None)))
}
