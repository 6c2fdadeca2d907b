//! The job: which template, to whom, with what data.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sigpost_jobs::{Invalid, Job, null_is_absent};

use crate::recipients::one_or_many;
use crate::{Attachment, Brand, Template, address, attachment, headers, recipients};

/// How far ahead Resend takes an e-mail that is to be sent later.
const MAX_AHEAD: Duration = Duration::from_secs(30 * 86_400);

/// Sends one e-mail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SendEmail {
    /// The name of one of [`Template::ALL`].
    pub template: String,
    /// Who gets it, 1 to 50: each `ada@example.com`, `Ada <ada@example.com>` or `"Lovelace, Ada"
    /// <ada@example.com>`. In JSON one address or a list.
    #[serde(deserialize_with = "one_or_many")]
    pub to: Vec<String>,
    /// What the template says. Its fields depend on the template; URLs must be http or https.
    pub data: Map<String, Value>,
    /// Who gets a copy, and is seen by all, up to 50.
    #[serde(default, deserialize_with = "one_or_many", skip_serializing_if = "Vec::is_empty")]
    pub cc: Vec<String>,
    /// Who gets a copy, and is seen by nobody, up to 50.
    #[serde(default, deserialize_with = "one_or_many", skip_serializing_if = "Vec::is_empty")]
    pub bcc: Vec<String>,
    /// Where answers go, up to 50. Default: where the deployment's go.
    #[serde(default, deserialize_with = "one_or_many", skip_serializing_if = "Vec::is_empty")]
    pub reply_to: Vec<String>,
    /// Headers, up to 20; none that another field says.
    #[serde(default, deserialize_with = "headers::read", skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Files, up to 20, of 5,000,000 bytes together.
    #[serde(default, deserialize_with = "null_is_absent", skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// When Resend is to send it, at most 30 days ahead. Default, and when it has passed: at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduled_at: Option<Timestamp>,
}

impl SendEmail {
    /// An e-mail with nothing out of the ordinary.
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

    /// Everybody it is for, with a comma between them.
    pub(crate) fn everybody(&self) -> String {
        let all = [&self.to, &self.cc, &self.bcc].into_iter().flatten();
        all.map(|text| address::header(text)).collect::<Vec<_>>().join(", ")
    }

    /// When Resend is to send it, if that is still to come.
    pub(crate) fn later(&self, now: Timestamp) -> Option<Timestamp> {
        self.scheduled_at.filter(|at| *at > now)
    }
}

impl Job for SendEmail {
    const TYPE: &'static str = "send-email";
    const ENDPOINT: &'static str = "/api/jobs/email";
    const RETRIES: u32 = 3;
    const TIMEOUT: Duration = Duration::from_secs(30);

    fn validate(&self) -> Result<(), Invalid> {
        // Rendering is what finds every mistake, and costs microseconds.
        Template::named(&self.template)?.render(&self.data, &Brand::default())?;
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
    fn unknown_template_is_refused_with_the_known_ones() {
        assert_eq!(
            validated("goodbye", &json!("ada@example.com")),
            Err("template: unknown \"goodbye\"; known are welcome, passwordReset, passwordChanged, emailChange, \
                 teamInvitation, subscriptionCreated, paymentFailed, fileReady, alert"
                .into())
        );
    }
}
