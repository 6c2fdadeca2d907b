//! Alerts: from measurements to notifications.
//!
//! ```text
//! readings -> findings -> notices -> channels
//! (values     (over a     (opened,    (Slack, PagerDuty,
//!  per check)  threshold)  recovered)  e-mail)
//! ```
//!
//! `sigpost-health` has the checks.

mod notices;

pub(crate) use self::notices::{Kind, Notice, due};
