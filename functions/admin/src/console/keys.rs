//! The signing keys: how old they are, and changing them. They themselves are shown nowhere.

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
/// Characters of a key that are shown: enough to compare two, too few to sign with.
const SHOWN_CHARS: usize = 8;

#[derive(Deserialize)]
struct Keys {
    current: String,
    next: String,
}

/// `/console/keys`.
pub(crate) async fn show_keys(State(console): State<Console>) -> Result<Page, Failure> {
    let Keys { current, next } = console.api.get(&["keys"], &[]).await?;
    let state = key_state(&mut *connection(&console.database).await?).await?;
    let begins = |key: &str| html! { code { (key.chars().take(SHOWN_CHARS).collect::<String>()) "…" } };
    let content = html! {
        p { "Every delivery is signed with the current key. Receivers know both, so that one can take over from the other." }
        dl {
            dt { "Current key" } dd { (begins(&current)) }
            dt { "Next key" } dd { (begins(&next)) }
            dt { "In use since" }
            dd { @match state { Some(state) => (full(state.rotated_at_ms, Timestamp::now())), None => "–" } }
        }
        p { a.action href={ (PAGE) "/rotate" } { "Rotate the keys…" } }
        p.hint {
            "Whole keys are answered by " code { "GET /v2/keys" } " to who has the API's token, for "
            code { "QSTASH_CURRENT_SIGNING_KEY" } " and " code { "QSTASH_NEXT_SIGNING_KEY" } " of receivers."
        }
    };
    Ok(Page::of(Section::Keys, content))
}

/// `/console/keys/rotate`: what it means, before it is done.
pub(crate) async fn ask_to_rotate(Extension(session): Extension<Session>) -> Page {
    let content = html! {
        p { "The next key becomes the current one, and a new one follows it. The current key is gone for good." }
        p { "A receiver that does not know today's next key refuses every delivery from then on. "
            "So give receivers both keys first; after this, give them the new next key." }
        form.stack method="post" action={ (PAGE) "/rotate" } {
            (session.field())
            label.check for="confirmed" {
                input id="confirmed" type="checkbox" name=(CONFIRMED) value="yes" required;
                "All receivers know the next key"
            }
            div.actions {
                button.danger { "Rotate the keys" }
                a.action href=(PAGE) { "Leave them" }
            }
        }
    };
    Page::titled(Section::Keys, "Rotate the signing keys?", content)
}

/// Rotates them. Whoever has not been asked is asked.
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
