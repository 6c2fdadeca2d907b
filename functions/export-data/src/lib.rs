//! Job handler that exports tables to CSV or XLSX files in a folder or bucket, and e-mails a download link.
//!
//! It reads rows page by page and uploads the file in parts, in constant memory. A repeated run writes the same file under
//! the same name and sends no second e-mail.

mod csv;
mod handler;
mod progress;
mod router;
mod xlsx;

pub use router::{router, router_from_env};
