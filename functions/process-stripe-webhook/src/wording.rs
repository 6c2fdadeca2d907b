//! Notifications for the owner of an organization.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use sigpost_jobs::payloads::create_notification::{Event, Kind, Priority};

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Returns a billing notification that expires `days` days after `at`.
fn notification(kind: Kind, priority: Priority, days: i32, at: Timestamp, title: &str, message: String) -> Event {
    let mut event = Event::new(kind, title, message);
    event.priority = priority;
    event.expires_at = at.checked_add(DAY * days).ok();
    let metadata = json!({ "actionUrl": "/app/settings/billing", "actionLabel": "Billing" });
    event.metadata = metadata.as_object().cloned();
    event
}

pub(crate) fn subscription_created(plan: &str, at: Timestamp) -> Event {
    let message = format!("Your subscription to the {plan} plan is now active.");
    notification(Kind::BillingSubscriptionCreated, Priority::Info, 30, at, "Subscription active", message)
}

pub(crate) fn payment_failed(amount: &str, at: Timestamp) -> Event {
    let message = format!("We were unable to process your payment of {amount}. Please update your payment details.");
    notification(Kind::BillingPaymentFailed, Priority::Critical, 30, at, "Payment failed", message)
}

pub(crate) fn payment_succeeded(amount: &str, at: Timestamp) -> Event {
    let message = format!("Your payment of {amount} was received. Thank you.");
    notification(Kind::BillingPaymentSuccess, Priority::Info, 30, at, "Payment received", message)
}

pub(crate) fn subscription_canceled(access_until: Option<Timestamp>, at: Timestamp) -> Event {
    let until = access_until.filter(|until| *until > at);
    let message = match until {
        Some(until) => format!("Your subscription was canceled. You have access until {}.", until.strftime("%Y-%m-%d")),
        None => "Your subscription was canceled.".to_owned(),
    };
    notification(Kind::BillingSubscriptionCanceled, Priority::Important, 30, at, "Subscription canceled", message)
}

pub(crate) fn trial_ending(trial_end: Option<Timestamp>, at: Timestamp, now: Timestamp) -> Event {
    let days = trial_end.map_or(0, |end| days_remaining(end, now));
    let message = match days {
        0 => "Your trial ends today.".to_owned(),
        1 => "Your trial ends in 1 day.".to_owned(),
        days => format!("Your trial ends in {days} days."),
    };
    let mut event = notification(Kind::BillingTrialEnding, Priority::Important, 7, at, "Trial ending", message);
    if let Some(metadata) = &mut event.metadata {
        metadata.insert("daysRemaining".into(), days.into());
    }
    event
}

/// Returns the remaining days, rounded up.
fn days_remaining(end: Timestamp, now: Timestamp) -> i64 {
    let left = end.as_second() - now.as_second();
    if left <= 0 { 0 } else { (left + DAY.as_secs() - 1) / DAY.as_secs() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn begun_days_of_a_trial_count() {
        let now = at("2026-11-26T12:00:00Z");
        for (end, days) in [
            ("2026-11-29T12:00:00Z", 3),
            ("2026-11-28T12:00:01Z", 3),
            ("2026-11-26T12:00:01Z", 1),
            ("2026-11-26T12:00:00Z", 0),
            ("2026-11-01T00:00:00Z", 0),
        ] {
            assert_eq!(days_remaining(at(end), now), days, "{end}");
        }
    }

    #[test]
    fn end_of_access_is_said_while_it_is_ahead() {
        let now = at("2026-11-26T12:00:00Z");
        let said = |until| subscription_canceled(until, now).message;
        assert!(said(Some(at("2026-12-01T00:00:00Z"))).ends_with("You have access until 2026-12-01."));
        assert_eq!(said(Some(at("2026-11-01T00:00:00Z"))), "Your subscription was canceled.");
        assert_eq!(said(None), "Your subscription was canceled.");
    }
}
