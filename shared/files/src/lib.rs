//! Storage of files that jobs create, in a folder or an S3 bucket, with e-mailed download links.
//!
//! It is a separate package so that only functions with files depend on the S3 client.

mod config;
mod error;
mod files;
mod notice;
mod upload;

pub use config::Config;
pub use error::Error;
pub use files::{AmazonS3Builder, Bucket, Files};
pub use notice::{FileReady, tell};
pub use upload::{PART_BYTES, Upload};
