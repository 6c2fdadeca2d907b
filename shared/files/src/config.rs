//! Configuration of the file storage from the environment.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use object_store::aws::AmazonS3Builder;
use sigpost_runtime::Reading;
use sigpost_runtime::settings::{FILES_LINK_SECONDS, FILES_URL};
use url::Url;

use crate::files::{LINK_VALID_MOST, default_link_valid};
use crate::{Bucket, Files};

/// Allowed form of `FILES_URL`.
const FORM: &str = "must be s3://bucket/prefix or file:///folder";

/// Configuration of a storage that is not open yet.
#[derive(Clone, Debug)]
pub enum Config {
    /// An S3 bucket.
    Bucket(Files),
    /// A local folder.
    Folder(PathBuf),
}

impl Config {
    /// Reads `FILES_URL` (required: `s3://bucket/prefix`, or `file:///folder`) and `FILES_LINK_SECONDS`
    /// (default 43200, at most 604800). S3 uses the standard variables: `AWS_REGION`, `AWS_ACCESS_KEY_ID`,
    /// `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_ENDPOINT_URL`; without keys, the role of the container or
    /// machine. `reading` collects errors.
    pub fn read(reading: &mut Reading) -> Option<Self> {
        let link_valid = link_valid(reading);
        reading.required_as(FILES_URL, |url| Self::at(url, link_valid))
    }

    /// Reads the same variables. `FILES_URL` defaults to this folder.
    pub fn read_or_folder(reading: &mut Reading, folder: &Path) -> Option<Self> {
        match reading.text(FILES_URL) {
            Some(_) => Self::read(reading),
            None => Some(Self::Folder(folder.to_owned())),
        }
    }

    fn at(url: &str, link_valid: Duration) -> Result<Self> {
        let url = Url::parse(url).map_err(|_| anyhow!("FILES_URL: {FORM}"))?;
        match (url.scheme(), url.host_str()) {
            ("s3", Some(name)) => {
                let (name, prefix) = (name.to_owned(), url.path().to_owned());
                let access = AmazonS3Builder::from_env();
                Files::in_bucket(Bucket { name, prefix, access, link_valid }).map(Self::Bucket)
            }
            ("file", _) => url.to_file_path().ok().map(Self::Folder).context("FILES_URL: must be the URL of a folder"),
            _ => bail!("FILES_URL: {FORM}"),
        }
    }

    /// Opens the storage. Creates the folder if it does not exist.
    ///
    /// # Errors
    ///
    /// The folder cannot be created.
    pub fn open(self) -> Result<Files> {
        match self {
            Self::Bucket(files) => Ok(files),
            Self::Folder(folder) => Files::in_folder(&folder),
        }
    }
}

fn link_valid(reading: &mut Reading) -> Duration {
    let read = reading.checked(FILES_LINK_SECONDS, |text| {
        let most = LINK_VALID_MOST.as_secs();
        let seconds = text.parse().ok().filter(|seconds| (1..=most).contains(seconds));
        seconds.with_context(|| format!("FILES_LINK_SECONDS={text:?} must be a whole number from 1 to {most}"))
    });
    read.map_or_else(default_link_valid, Duration::from_secs)
}
