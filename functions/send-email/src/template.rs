//! The templates, by name.

mod file_ready;
mod password_reset;
mod payment_failed;
mod subscription_created;
mod welcome;

use serde_json::{Map, Value};
use sigpost_jobs::Invalid;

use self::file_ready::FileReady;
use self::password_reset::PasswordReset;
use self::payment_failed::PaymentFailed;
use self::subscription_created::SubscriptionCreated;
use self::welcome::Welcome;
use crate::Brand;
use crate::email::Email;
use crate::fields::Fields;

/// A template with its data, checked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Template {
    Welcome(Welcome),
    PasswordReset(PasswordReset),
    SubscriptionCreated(SubscriptionCreated),
    PaymentFailed(PaymentFailed),
    FileReady(FileReady),
}

impl Template {
    /// Reads the data of the template with this name. The errors name the field.
    pub(crate) fn read(name: &str, data: &Map<String, Value>) -> Result<Self, Invalid> {
        let fields = Fields(data);
        match name {
            welcome::NAME => Welcome::read(&fields).map(Self::Welcome),
            password_reset::NAME => PasswordReset::read(&fields).map(Self::PasswordReset),
            subscription_created::NAME => SubscriptionCreated::read(&fields).map(Self::SubscriptionCreated),
            payment_failed::NAME => PaymentFailed::read(&fields).map(Self::PaymentFailed),
            file_ready::NAME => FileReady::read(&fields).map(Self::FileReady),
            unknown => {
                let known = [
                    welcome::NAME,
                    password_reset::NAME,
                    subscription_created::NAME,
                    payment_failed::NAME,
                    file_ready::NAME,
                ]
                .join(", ");
                let shown: String = unknown.chars().take(64).collect();
                Err(Invalid::new("template", format!("unknown {shown:?}; known are {known}")))
            }
        }
    }

    /// The e-mail, in the name of the brand.
    pub(crate) fn render(&self, brand: &Brand) -> Email {
        match self {
            Self::Welcome(welcome) => welcome.render(brand),
            Self::PasswordReset(password_reset) => password_reset.render(brand),
            Self::SubscriptionCreated(subscription_created) => subscription_created.render(brand),
            Self::PaymentFailed(payment_failed) => payment_failed.render(brand),
            Self::FileReady(file_ready) => file_ready.render(brand),
        }
    }
}
