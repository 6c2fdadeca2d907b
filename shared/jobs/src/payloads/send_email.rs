//! `send-email`: sends one e-mail of a template.

mod attachment;
mod fields;
mod headers;
mod template;

use std::collections::BTreeMap;
use std::time::Duration;

pub use attachment::Attachment;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
pub use template::{
    Alert, EmailChange, EmailData, FileReady, PasswordChanged, PasswordReset, PaymentFailed, SubscriptionCreated,
    TeamInvitation, Template, Welcome,
};

use super::recipients::one_or_many;
use super::{address, recipients};
use crate::{Invalid, Job, null_is_absent};

/// Maximum delay of `scheduledAt` that Resend accepts.
const MAX_AHEAD: Duration = Duration::from_secs(30 * 86_400);

/// Sends one e-mail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SendEmail {
    /// Name of a template in [`Template::ALL`].
    pub template: String,
    /// 1 to 50 recipients: `ada@example.com`, `Ada <ada@example.com>` or `"Lovelace, Ada" <ada@example.com>`. In JSON one
    /// address or a list.
    #[serde(deserialize_with = "one_or_many")]
    pub to: Vec<String>,
    /// Data of the template. Its fields depend on the template; URLs must be http or https.
    pub data: Map<String, Value>,
    /// Up to 50 recipients of a copy, visible to all.
    #[serde(default, deserialize_with = "one_or_many", skip_serializing_if = "Vec::is_empty")]
    pub cc: Vec<String>,
    /// Up to 50 recipients of a blind copy.
    #[serde(default, deserialize_with = "one_or_many", skip_serializing_if = "Vec::is_empty")]
    pub bcc: Vec<String>,
    /// Up to 50 addresses for replies. Default: the deployment's.
    #[serde(default, deserialize_with = "one_or_many", skip_serializing_if = "Vec::is_empty")]
    pub reply_to: Vec<String>,
    /// Up to 20 custom headers. Headers that other fields set are reserved.
    #[serde(default, deserialize_with = "headers::read", skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Up to 20 files with a total of 5,000,000 bytes.
    #[serde(default, deserialize_with = "null_is_absent", skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// Time at which Resend sends the e-mail, at most 30 days ahead. Default, and if it has passed: immediately.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduled_at: Option<Timestamp>,
}

impl SendEmail {
    /// Creates a job without optional fields.
    pub fn new(template: impl Into<String>, to: Vec<String>, data: Map<String, Value>) -> Self {
        Self {
            template: template.into(),
            to,
            data,
            cc: Vec::new(),
            bcc: Vec::new(),
            reply_to: Vec::new(),
            headers: BTreeMap::new(),
            attachments: Vec::new(),
            scheduled_at: None,
        }
    }

    /// Reads the data of the template.
    ///
    /// # Errors
    ///
    /// The template is unknown, or a field is missing or invalid.
    pub fn email_data(&self) -> Result<EmailData, Invalid> {
        Template::named(&self.template)?.read(&self.data)
    }

    /// Returns all recipients, separated by commas.
    pub fn everybody(&self) -> String {
        let all = [&self.to, &self.cc, &self.bcc].into_iter().flatten();
        all.map(|text| address::header(text)).collect::<Vec<_>>().join(", ")
    }

    /// Returns `scheduled_at` if it is in the future.
    pub fn later(&self, now: Timestamp) -> Option<Timestamp> {
        self.scheduled_at.filter(|at| *at > now)
    }
}

impl Job for SendEmail {
    const TYPE: &'static str = "send-email";
    const ENDPOINT: &'static str = "/api/jobs/email";
    const RETRIES: u32 = 3;
    const TIMEOUT: Duration = Duration::from_secs(30);

    fn validate(&self) -> Result<(), Invalid> {
        self.email_data()?;
        if self.to.is_empty() {
            return Err(Invalid::new("to", "must be at least one address"));
        }
        for (field, addresses) in [("to", &self.to), ("cc", &self.cc), ("bcc", &self.bcc), ("replyTo", &self.reply_to)]
        {
            recipients::check(field, addresses)?;
        }
        headers::check(&self.headers)?;
        attachment::check(&self.attachments)?;
        if self.scheduled_at.is_some_and(|at| at > Timestamp::now() + MAX_AHEAD) {
            return Err(Invalid::new("scheduledAt", "must be at most 30 days ahead"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn validated(template: &str, to: &Value) -> Result<SendEmail, String> {
        let data = json!({ "dashboardUrl": "https://a.example" });
        let job: SendEmail = serde_json::from_value(json!({ "template": template, "to": to, "data": data }))
            .map_err(|why| why.to_string())?;
        job.validate().map_err(|invalid| invalid.to_string())?;
        Ok(job)
    }

    #[test]
    fn recipients_are_one_address_or_a_list() {
        assert_eq!(validated("welcome", &json!("ada@example.com")).expect("valid").to, ["ada@example.com"]);
        let two = json!(["ada@example.com", "Bob <bob@example.com>"]);
        assert_eq!(validated("welcome", &two).expect("valid").to, ["ada@example.com", "Bob <bob@example.com>"]);
    }

    #[test]
    fn error_names_the_recipient_that_is_wrong() {
        assert_eq!(validated("welcome", &json!([])), Err("to: must be at least one address".into()));
        let many = json!(vec!["a@b.example"; 51]);
        assert_eq!(validated("welcome", &many), Err("to: must be at most 50 addresses".into()));
        let error = validated("welcome", &json!(["ada@example.com", "bob"])).expect_err("no address");
        assert!(error.starts_with("to[1]: "), "{error}");
        let error = validated("welcome", &json!(7)).expect_err("no address");
        assert!(error.contains("an address or a list of addresses"), "{error}");
    }

    #[test]
    fn time_is_within_thirty_days_and_counts_until_it_has_passed() {
        let now = Timestamp::now();
        let at = |at: Timestamp| {
            let data = json!({ "dashboardUrl": "https://a.example" }).as_object().cloned().expect("an object");
            let job = SendEmail::new("welcome", vec!["ada@example.com".into()], data);
            SendEmail { scheduled_at: Some(at), ..job }
        };
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        assert_eq!(at(now + hours(719)).validate(), Ok(()));
        let error = at(now + hours(721)).validate().expect_err("too far").to_string();
        assert_eq!(error, "scheduledAt: must be at most 30 days ahead");
        assert_eq!(at(now + hours(1)).later(now), Some(now + hours(1)));
        assert_eq!((at(now - hours(1)).later(now), at(now - hours(1)).validate()), (None, Ok(())));
    }

    #[test]
    fn unknown_template_is_rejected_with_the_known_ones() {
        assert_eq!(
            validated("goodbye", &json!("ada@example.com")),
            Err("template: unknown \"goodbye\"; known are welcome, passwordReset, passwordChanged, emailChange, \
                 teamInvitation, subscriptionCreated, paymentFailed, fileReady, alert"
                .into())
        );
    }
}
