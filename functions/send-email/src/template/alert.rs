//! `alert`: an alert of the deployment has opened or recovered.

use serde_json::json;
use sigpost_jobs::Invalid;

use super::Template;
use crate::fields::Fields;
use crate::layout::{Content, render};
use crate::{Brand, Email};

pub(super) const TEMPLATE: Template = Template {
    name: "alert",
    about: "to operators: an alert with a link to its runbook",
    optional: &["subject", "supportEmail"],
    sample: || {
        json!({
            "headline": "[sigpost] critical: schedule-missed (nightly): its firing is late by 700 s",
            "message": "its firing is late by 700 s",
            "rule": "schedule-missed",
            "subject": "nightly",
            "severity": "critical",
            "runbook": "docs/src/guides/troubleshooting.md#schedule-missed",
            "supportEmail": "help@acme.example",
        })
    },
    render: |fields, brand| Ok(Alert::read(fields)?.render(brand)),
};

/// Data of the template.
#[derive(Clone, Debug, PartialEq)]
struct Alert {
    headline: String,
    message: String,
    rule: String,
    subject: Option<String>,
    severity: &'static str,
    runbook: String,
    support_email: Option<String>,
}

impl Alert {
    fn read(fields: &Fields<'_>) -> Result<Self, Invalid> {
        Ok(Self {
            headline: fields.required("headline", Fields::text)?,
            message: fields.required("message", Fields::text)?,
            rule: fields.required("rule", Fields::text)?,
            subject: fields.text("subject")?,
            severity: fields.one_of("severity", &["warning", "critical"])?,
            runbook: fields.required("runbook", Fields::text)?,
            support_email: fields.address("supportEmail")?,
        })
    }

    fn render(&self, brand: &Brand) -> Email {
        let mut details = vec![("Rule", self.rule.as_str()), ("Severity", self.severity)];
        details.extend(self.subject.as_deref().map(|subject| ("Subject", subject)));
        details.push(("Runbook", &self.runbook));
        let content = Content {
            heading: &self.headline,
            preview: &self.message,
            recipient_name: None,
            paragraphs: &[&self.message],
            details: &details,
            call_to_action: None,
            support_email: self.support_email.as_deref(),
        };
        let (html, text) = render(&content, brand);
        Email { template: TEMPLATE.name, tag: "alert", html, text, subject: self.headline.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operator_reads_what_is_wrong_and_where_to_look() {
        let sample = TEMPLATE.sample();
        let email = Alert::read(&Fields(&sample)).expect("valid").render(&Brand::named("Acme"));
        for part in
            ["late by 700 s", "schedule-missed", "nightly", "docs/src/guides/troubleshooting.md#schedule-missed"]
        {
            assert!(email.text.contains(part) && email.html.contains(part), "{part} is not in {}", email.text);
        }
        let mut wrong = sample;
        wrong.insert("severity".into(), "loud".into());
        let error = Alert::read(&Fields(&wrong)).expect_err("refused").to_string();
        assert_eq!(error, "data.severity: must be one of warning, critical");
    }
}
