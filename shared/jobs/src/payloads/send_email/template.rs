//! Templates of e-mails: their names and the data of each.

mod alert;
mod email_change;
mod file_ready;
mod password_changed;
mod password_reset;
mod payment_failed;
mod subscription_created;
mod team_invitation;
mod welcome;

pub use alert::Alert;
pub use email_change::EmailChange;
pub use file_ready::FileReady;
pub use password_changed::PasswordChanged;
pub use password_reset::PasswordReset;
pub use payment_failed::PaymentFailed;
use serde_json::{Map, Value};
pub use subscription_created::SubscriptionCreated;
pub use team_invitation::TeamInvitation;
pub use welcome::Welcome;

use super::fields::Fields;
use crate::Invalid;

/// Validated data of an e-mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EmailData {
    /// See [`Alert`].
    Alert(Alert),
    /// See [`EmailChange`].
    EmailChange(EmailChange),
    /// See [`FileReady`].
    FileReady(FileReady),
    /// See [`PasswordChanged`].
    PasswordChanged(PasswordChanged),
    /// See [`PasswordReset`].
    PasswordReset(PasswordReset),
    /// See [`PaymentFailed`].
    PaymentFailed(PaymentFailed),
    /// See [`SubscriptionCreated`].
    SubscriptionCreated(SubscriptionCreated),
    /// See [`TeamInvitation`].
    TeamInvitation(TeamInvitation),
    /// See [`Welcome`].
    Welcome(Welcome),
}

/// Template of an e-mail. The function `send-email` renders it.
#[derive(Clone, Copy, Debug)]
pub struct Template {
    /// Name in jobs.
    pub name: &'static str,
    /// Short description.
    pub about: &'static str,
    /// Optional fields of its data.
    pub optional: &'static [&'static str],
    sample: fn() -> Value,
    read: fn(&Fields<'_>) -> Result<EmailData, Invalid>,
}

impl Template {
    /// All templates.
    pub const ALL: [Self; 9] = [
        welcome::TEMPLATE,
        password_reset::TEMPLATE,
        password_changed::TEMPLATE,
        email_change::TEMPLATE,
        team_invitation::TEMPLATE,
        subscription_created::TEMPLATE,
        payment_failed::TEMPLATE,
        file_ready::TEMPLATE,
        alert::TEMPLATE,
    ];

    /// Returns the template with this name.
    ///
    /// # Errors
    ///
    /// The name is unknown. The error lists the known names.
    pub fn named(name: &str) -> Result<Self, Invalid> {
        Self::ALL.into_iter().find(|template| template.name == name).ok_or_else(|| {
            let shown: String = name.chars().take(64).collect();
            let known = Self::ALL.map(|template| template.name).join(", ");
            Invalid::new("template", format!("unknown {shown:?}; known are {known}"))
        })
    }

    /// Returns sample data with all fields.
    pub fn sample(&self) -> Map<String, Value> {
        match (self.sample)() {
            Value::Object(fields) => fields,
            _ => Map::new(),
        }
    }

    /// Validates the data of an e-mail.
    ///
    /// # Errors
    ///
    /// A field is missing or invalid. The error names the first one as `data.<name>`.
    pub fn read(&self, data: &Map<String, Value>) -> Result<EmailData, Invalid> {
        (self.read)(&Fields(data))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(template: Template, data: &Map<String, Value>) -> Option<String> {
        template.read(data).err().map(|invalid| invalid.to_string())
    }

    #[test]
    fn samples_have_every_field_and_each_is_required_unless_it_is_said_not_to_be() {
        for template in Template::ALL {
            let sample = template.sample();
            assert_eq!(error(template, &sample), None, "{}", template.name);
            assert!(template.optional.iter().all(|name| sample.contains_key(*name)), "{}", template.name);
            for name in sample.keys() {
                let mut data = sample.clone();
                data.remove(name);
                let optional = template.optional.contains(&name.as_str());
                let expected = (!optional).then(|| format!("data.{name}: is required"));
                assert_eq!(error(template, &data), expected, "{}", template.name);
            }
        }
    }

    /// A row of the table of templates in the documentation: the name and the fields, with `?` where one may
    /// be missing. What is in parentheses are a field's values.
    fn documented(row: &str) -> Option<(String, Vec<String>)> {
        let (names, fields) = row.strip_prefix("| `")?.strip_suffix(" |")?.split_once(" | ")?;
        let name = names.split('`').next()?.to_owned();
        let outside = fields.split('(').enumerate().map(|(index, part)| match index {
            0 => part,
            _ => part.split_once(')').map_or("", |(_, after)| after),
        });
        let fields = outside.collect::<String>();
        Some((name, fields.split('`').skip(1).step_by(2).map(str::to_owned).collect()))
    }

    #[test]
    fn documentation_has_every_field_of_every_template() {
        let page = include_str!("../../../../../docs/src/reference/job-types.md");
        let table = page.split("| template | fields; `?` may be missing |").nth(1).expect("the table");
        let table = table.split("\n\n").next().unwrap_or_default();
        let rows: Vec<_> = table.lines().filter_map(documented).collect();
        let of_code = Template::ALL.map(|template| {
            // The page names this one once for all.
            assert!(template.optional.contains(&"supportEmail"), "{}", template.name);
            let sample = template.sample();
            let fields = sample.keys().filter(|name| *name != "supportEmail");
            let shown = fields.map(|name| match template.optional.contains(&name.as_str()) {
                true => format!("{name}?"),
                false => name.clone(),
            });
            (template.name.to_owned(), shown.collect::<std::collections::BTreeSet<_>>())
        });
        let of_page: Vec<_> = rows.into_iter().map(|(name, fields)| (name, fields.into_iter().collect())).collect();
        assert_eq!(of_page, of_code);
    }
}
