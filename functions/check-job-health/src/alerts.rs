//! What is wrong, and who is told of it.
//!
//! ```text
//! facts -> readings -> findings -> notices -> channels
//!          (what was   (over a     (what is    (Slack, PagerDuty,
//!           seen)       threshold)  news)       e-mail)
//! ```

mod notices;
mod readings;
mod rules;

pub(crate) use self::notices::{Kind, Notice, due};
pub(crate) use self::readings::{Reading, Seen, readings};
pub use self::rules::Rules;
pub(crate) use self::rules::{Finding, findings};
