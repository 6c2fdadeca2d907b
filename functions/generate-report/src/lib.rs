//! The job handler that makes reports of the runs of jobs: as HTML with charts, as PDF or as JSON, put
//! into a folder or a bucket, with a link that is e-mailed.
//!
//! A report is gathered, then rendered: the renderers are pure. A run that is repeated makes the same
//! file anew, under the same name, and e-mails nobody twice.

mod chart;
mod handler;
mod html;
mod job;
mod pdf;
mod report;
mod router;

pub use job::{DateRange, Format, GenerateReport, ReportType};
pub use router::{router, router_from_env};
