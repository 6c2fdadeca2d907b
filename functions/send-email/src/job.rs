//! The job: which template, to whom, with what data.

use std::fmt;
use std::time::Duration;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use sigpost_jobs::{Invalid, Job};

use crate::{Brand, Template, address};

/// The most recipients of one e-mail that Resend takes.
const MAX_RECIPIENTS: usize = 50;

/// Sends one e-mail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SendEmail {
    /// The name of one of [`Template::ALL`].
    pub template: String,
    /// Who gets it, 1 to 50: each `ada@example.com` or `Ada <ada@example.com>`. In JSON one address or a list.
    #[serde(deserialize_with = "one_or_many")]
    pub to: Vec<String>,
    /// What the template says. Its fields depend on the template; URLs must be http or https.
    pub data: Map<String, Value>,
}

impl Job for SendEmail {
    const TYPE: &'static str = "send-email";
    const ENDPOINT: &'static str = "/api/jobs/email";
    const RETRIES: u32 = 3;
    const TIMEOUT: Duration = Duration::from_secs(30);

    fn validate(&self) -> Result<(), Invalid> {
        // Rendering is what finds every mistake, and costs microseconds.
        Template::named(&self.template)?.render(&self.data, &Brand::default())?;
        if self.to.is_empty() || self.to.len() > MAX_RECIPIENTS {
            return Err(Invalid::new("to", format!("must be 1 to {MAX_RECIPIENTS} addresses")));
        }
        match self.to.as_slice() {
            [one] => address::check("to", one),
            many => many.iter().enumerate().try_for_each(|(index, to)| address::check(&format!("to[{index}]"), to)),
        }
    }
}

fn one_or_many<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    struct OneOrMany;

    impl<'de> Visitor<'de> for OneOrMany {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an address or a list of addresses")
        }

        fn visit_str<E>(self, one: &str) -> Result<Vec<String>, E> {
            Ok(vec![one.to_owned()])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut many: A) -> Result<Vec<String>, A::Error> {
            let mut addresses = Vec::new();
            while let Some(address) = many.next_element()? {
                addresses.push(address);
            }
            Ok(addresses)
        }
    }

    from.deserialize_any(OneOrMany)
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
        assert_eq!(validated("welcome", &json!([])), Err("to: must be 1 to 50 addresses".into()));
        assert_eq!(validated("welcome", &json!(vec!["a@b.example"; 51])), Err("to: must be 1 to 50 addresses".into()));
        let error = validated("welcome", &json!(["ada@example.com", "bob"])).expect_err("no address");
        assert!(error.starts_with("to[1]: "), "{error}");
        let error = validated("welcome", &json!(7)).expect_err("no address");
        assert!(error.contains("an address or a list of addresses"), "{error}");
    }

    #[test]
    fn unknown_template_is_refused_with_the_known_ones() {
        assert_eq!(
            validated("goodbye", &json!("ada@example.com")),
            Err("template: unknown \"goodbye\"; known are welcome, passwordReset, passwordChanged, emailChange, \
                 teamInvitation, subscriptionCreated, paymentFailed, fileReady"
                .into())
        );
    }
}
