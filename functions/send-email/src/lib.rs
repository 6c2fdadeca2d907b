//! Job handler that sends transactional e-mail through Resend.
//!
//! A job names a template and its data. Rendering has no side effects; only `mailer` sends requests. Retries of a message
//! do not send it twice: the idempotency key for Resend is derived from the message ID.

mod brand;
mod config;
mod email;
mod escape;
mod handler;
mod layout;
mod mailer;
mod resend;
mod router;
mod template;

pub use brand::Brand;
pub use config::{Config, Transport};
pub use email::Email;
pub use router::{router, router_from_env};
pub use template::render;
