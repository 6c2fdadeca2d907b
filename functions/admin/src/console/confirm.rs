//! "Do you mean it?", as a page: for who has no script. With the script a dialog asks the same.

use maud::html;

use super::form::{CONFIRMED, Posted};
use super::page::{Page, Section};
use super::session::{FORM_TOKEN, Session};

/// Asks, and posts the same again with the answer.
pub(crate) fn ask(
    section: Section,
    question: &str,
    session: &Session,
    posted: &Posted,
    action: &str,
    back: &str,
) -> Page {
    let again = posted.0.iter().filter(|(name, _)| name != FORM_TOKEN && name != CONFIRMED);
    let content = html! {
        p { (question) }
        div.actions {
            form.button method="post" action=(action) {
                (session.field())
                @for (name, value) in again { input type="hidden" name=(name) value=(value); }
                button.danger name=(CONFIRMED) value="yes" { "Do it" }
            }
            a.action href=(back) { "Leave it" }
        }
    };
    Page::titled(section, "Are you sure?", content)
}
