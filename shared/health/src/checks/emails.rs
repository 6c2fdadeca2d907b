//! E-mails of a day.

use super::runs::FEWEST;
use crate::check::{count, thresholds};
use crate::{Check, Reading, Readings};

/// Mail services suspend senders above about 5 %.
pub static EMAIL_BOUNCES: Check = Check {
    id: "email-bounces",
    name: "Bounced e-mails",
    unit: "share of e-mails of a day, of 20 or more",
    thresholds: thresholds(0.05, 0.1),
    sentence: "e-mails bounce, and the mail service may suspend the sender",
    readings: |readings| share(readings, &EMAIL_BOUNCES, readings.deployment.facts.emails_bounced, "bounced"),
};

/// Mail services close accounts with higher complaint rates.
pub static EMAIL_COMPLAINTS: Check = Check {
    id: "email-complaints",
    name: "Spam complaints",
    unit: "share of e-mails of a day, of 20 or more",
    thresholds: thresholds(0.001, 0.005),
    sentence: "recipients report e-mails as spam, and the mail service may suspend the sender",
    readings: |readings| {
        share(readings, &EMAIL_COMPLAINTS, readings.deployment.facts.emails_complained, "were marked as spam")
    },
};

fn share(readings: &Readings, check: &'static Check, how_many: i64, what: &str) -> Vec<Reading> {
    let emails = readings.deployment.facts.emails;
    if emails < FEWEST {
        return Vec::new();
    }
    let share = count(how_many) / count(emails);
    let message = format!("{how_many} of {emails} e-mails in the last day {what} ({:.2} %)", share * 100.0);
    vec![check.reading(share, message)]
}
