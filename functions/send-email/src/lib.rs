//! The job handler that sends transactional e-mail through Resend.
//!
//! A job names a template and the data for it. Rendering is pure; only `mailer` talks to anybody.
//! A retry of the same message never sends twice: Resend is given a key made of the message's id.

mod address;
mod attachment;
mod brand;
mod config;
mod email;
mod escape;
mod fields;
mod handler;
mod headers;
mod job;
mod layout;
mod mailer;
mod recipients;
mod resend;
mod router;
mod template;

pub use attachment::Attachment;
pub use brand::Brand;
pub use config::{Config, RESEND_URL, Transport};
pub use email::Email;
pub use job::SendEmail;
pub use recipients::check as check_recipients;
pub use router::{router, router_from_env};
pub use template::Template;
