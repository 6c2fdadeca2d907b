//! Files that jobs make for people: put into a folder or into an S3 bucket, with a link to them that
//! is e-mailed.
//!
//! A package of its own, so that only the functions that make files have what talks to S3.

mod config;
mod error;
mod files;
mod notice;
mod upload;

pub use config::Config;
pub use error::Error;
pub use files::{AmazonS3Builder, Bucket, Files, LINK_VALID};
pub use notice::{FileReady, check_recipients, tell};
pub use upload::{PART_BYTES, Upload};
