//! Confirmation page for browsers without JavaScript. With it, the script shows the same question in a dialog.

use maud::html;

use super::form::{CONFIRMED, Posted};
use super::page::{Page, Section};
use super::session::{FORM_TOKEN, Session};

/// Returns a page that asks the question. Its form posts the same fields again, with the confirmation.
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
                button.danger name=(CONFIRMED) value="yes" { "Confirm" }
            }
            a.action href=(back) { "Go back" }
        }
    };
    Page::titled(section, "Are you sure?", content)
}
