//! The job handler that writes tables into files for people: CSV or XLSX, in constant memory, into a
//! folder or a bucket, with a link that is e-mailed.
//!
//! Rows go page by page from the database into the file, which is sent in parts while it grows. A run
//! that is repeated makes the same file anew, under the same name, and e-mails nobody twice.

mod csv;
mod handler;
mod job;
mod progress;
mod router;
mod xlsx;

pub use job::{ExportData, Filters, Format};
pub use router::{router, router_from_env};
