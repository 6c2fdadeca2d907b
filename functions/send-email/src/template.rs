//! Rendering of the templates.

mod alert;
mod email_change;
mod file_ready;
mod password_changed;
mod password_reset;
mod payment_failed;
mod subscription_created;
mod team_invitation;
mod welcome;

use sigpost_jobs::payloads::send_email::EmailData;

use crate::{Brand, Email};

/// Renders an e-mail with this brand.
pub fn render(data: &EmailData, brand: &Brand) -> Email {
    match data {
        EmailData::Alert(data) => alert::render(data, brand),
        EmailData::EmailChange(data) => email_change::render(data, brand),
        EmailData::FileReady(data) => file_ready::render(data, brand),
        EmailData::PasswordChanged(data) => password_changed::render(data, brand),
        EmailData::PasswordReset(data) => password_reset::render(data, brand),
        EmailData::PaymentFailed(data) => payment_failed::render(data, brand),
        EmailData::SubscriptionCreated(data) => subscription_created::render(data, brand),
        EmailData::TeamInvitation(data) => team_invitation::render(data, brand),
        EmailData::Welcome(data) => welcome::render(data, brand),
    }
}

/// Renders a template by its name, for a brand called Acme.
#[cfg(test)]
fn rendered(template: &str, data: &serde_json::Value) -> Result<Email, String> {
    use sigpost_jobs::payloads::send_email::Template;
    let data = data.as_object().expect("an object");
    let data = Template::named(template).and_then(|template| template.read(data)).map_err(|why| why.to_string())?;
    Ok(render(&data, &Brand::named("Acme")))
}

#[cfg(test)]
mod tests {
    use sigpost_jobs::payloads::send_email::Template;

    use super::rendered;

    #[test]
    fn every_optional_field_is_seen_in_the_email() {
        for template in Template::ALL {
            let sample = template.sample();
            let email = rendered(template.name, &sample.clone().into()).expect("valid data");
            assert_eq!(email.template, template.name);
            for name in template.optional {
                let mut without = sample.clone();
                without.remove(*name);
                let without = rendered(template.name, &without.into()).expect("valid data");
                assert_ne!(email.text, without.text, "{}: {name}", template.name);
                assert_ne!(email.html, without.html, "{}: {name}", template.name);
            }
        }
    }
}
