//! Alerts: from measurements to notifications.
//!
//! ```text
//! facts -> readings -> findings -> notices -> channels
//!          (values     (over a     (opened,    (Slack, PagerDuty,
//!           per rule)   threshold)  recovered)  e-mail)
//! ```

mod notices;
mod readings;
mod rules;

pub(crate) use self::notices::{Kind, Notice, due};
pub(crate) use self::readings::{Reading, Seen, readings};
pub use self::rules::Rules;
pub(crate) use self::rules::{Finding, findings};
