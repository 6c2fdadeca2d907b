//! `alert`: an alert of the deployment has opened or recovered.

use serde_json::json;

use super::{EmailData, Template};
use crate::Invalid;
use crate::payloads::send_email::fields::Fields;

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
    read: |fields| Ok(EmailData::Alert(Alert::read(fields)?)),
};

/// Data of the template `alert`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Heading and subject of the e-mail.
    pub headline: String,
    /// What is wrong.
    pub message: String,
    /// Name of the alert rule.
    pub rule: String,
    /// What the alert is about, for example a schedule.
    pub subject: Option<String>,
    /// `warning` or `critical`.
    pub severity: &'static str,
    /// Address of the section of the runbook.
    pub runbook: String,
    /// Overrides the brand's support address.
    pub support_email: Option<String>,
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
}
