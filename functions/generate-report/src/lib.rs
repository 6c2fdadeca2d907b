//! Job handler that generates reports about runs of jobs, as HTML with charts, PDF or JSON, in a folder or bucket, and
//! e-mails a download link.
//!
//! The renderers have no side effects. A repeated run writes the same file under the same name and sends no second e-mail.

mod chart;
mod handler;
mod html;
mod pdf;
mod report;
mod router;

pub use router::{router, router_from_env};
