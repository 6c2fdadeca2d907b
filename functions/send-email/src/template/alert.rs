//! `alert`: an alert of the deployment has opened or recovered.

use sigpost_jobs::payloads::send_email::Alert;

use crate::layout::{self, Content};
use crate::{Brand, Email};

/// Renders the e-mail.
pub(super) fn render(data: &Alert, brand: &Brand) -> Email {
    let mut details = vec![("Rule", data.rule.as_str()), ("Severity", data.severity)];
    details.extend(data.subject.as_deref().map(|subject| ("Subject", subject)));
    details.push(("Runbook", &data.runbook));
    let content = Content {
        heading: &data.headline,
        preview: &data.message,
        recipient_name: None,
        paragraphs: &[&data.message],
        details: &details,
        call_to_action: None,
        support_email: data.support_email.as_deref(),
    };
    let (html, text) = layout::render(&content, brand);
    Email { template: "alert", tag: "alert", html, text, subject: data.headline.clone() }
}

#[cfg(test)]
mod tests {
    use sigpost_jobs::payloads::send_email::Template;

    use super::super::rendered;

    #[test]
    fn operator_reads_what_is_wrong_and_where_to_look() {
        let sample = Template::named("alert").expect("a template").sample();
        let email = rendered("alert", &sample.clone().into()).expect("valid data");
        for part in
            ["late by 700 s", "schedule-missed", "nightly", "docs/src/guides/troubleshooting.md#schedule-missed"]
        {
            assert!(email.text.contains(part) && email.html.contains(part), "{part} is not in {}", email.text);
        }
        let mut wrong = sample;
        wrong.insert("severity".into(), "loud".into());
        let error = "data.severity: must be one of warning, critical";
        assert_eq!(rendered("alert", &wrong.into()), Err(error.into()));
    }
}
