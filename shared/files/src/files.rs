//! File storage.

use std::fs;
use std::path::Path as Folder;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use object_store::aws::AmazonS3;
pub use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::signer::{Method, Signer};
use object_store::{Attribute, ClientOptions, ObjectStore, PutMultipartOptions, RetryConfig};
use sigpost_runtime::settings::FILES_LINK_SECONDS;
use url::Url;

use crate::{Error, Upload};

/// Maximum lifetime of a link in S3: seven days.
pub(crate) const LINK_VALID_MOST: Duration = Duration::from_secs(7 * 86_400);
/// Timeout of a request to S3, including uploads of 8 MiB parts.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// Time after which a request is no longer retried. The job is retried instead.
const RETRY_TIMEOUT: Duration = Duration::from_secs(60);

/// Returns the default lifetime of a link: the maximum lifetime of the credentials of a Lambda function, with which it
/// expires.
pub(crate) fn default_link_valid() -> Duration {
    Duration::from_secs(FILES_LINK_SECONDS.default_as())
}

/// File storage of a deployment. Clones share it.
#[derive(Clone, Debug)]
pub struct Files {
    place: Place,
    prefix: Path,
    link_valid: Duration,
}

#[derive(Clone, Debug)]
enum Place {
    Folder(Arc<LocalFileSystem>),
    Bucket(String, AmazonS3),
}

/// Configuration of a bucket.
#[derive(Clone, Debug)]
pub struct Bucket {
    /// Name of the bucket.
    pub name: String,
    /// Prefix of keys; empty for none.
    pub prefix: String,
    /// Region, credentials and endpoint.
    pub access: AmazonS3Builder,
    /// Lifetime of links, at most seven days.
    pub link_valid: Duration,
}

impl Files {
    /// Opens a local folder. Creates it if it does not exist. Links are `file:` URLs.
    ///
    /// # Errors
    ///
    /// The folder cannot be created.
    pub fn in_folder(folder: &Folder) -> Result<Self> {
        let made = create_private(folder).and_then(|()| fs::canonicalize(folder));
        let folder = made.with_context(|| format!("cannot create the folder {}", folder.display()))?;
        let place = LocalFileSystem::new_with_prefix(folder).context("cannot use the folder for files")?;
        Ok(Self { place: Place::Folder(Arc::new(place)), prefix: Path::default(), link_valid: default_link_valid() })
    }

    /// Opens a bucket. Links are presigned. Sends no request.
    ///
    /// # Errors
    ///
    /// The configuration is incomplete or invalid.
    pub fn in_bucket(bucket: Bucket) -> Result<Self> {
        let Bucket { name, prefix, access, link_valid } = bucket;
        ensure!(link_valid <= LINK_VALID_MOST, "FILES_LINK_SECONDS: must be at most {}", LINK_VALID_MOST.as_secs());
        // Plain HTTP is allowed only for an explicit endpoint with http. S3's own is https.
        let client = ClientOptions::new().with_allow_http(true).with_timeout(REQUEST_TIMEOUT);
        let retry = RetryConfig { max_retries: 3, retry_timeout: RETRY_TIMEOUT, ..RetryConfig::default() };
        let place = access.with_bucket_name(&name).with_client_options(client).with_retry(retry).build();
        let place = place.context("FILES_URL: cannot use the bucket")?;
        let prefix = Path::parse(prefix.trim_matches('/')).context("FILES_URL: invalid prefix")?;
        Ok(Self { place: Place::Bucket(name, place), prefix, link_valid })
    }

    /// Returns the lifetime of links; `None` if they do not expire.
    pub fn link_valid(&self) -> Option<Duration> {
        match self.place {
            Place::Folder(_) => None,
            Place::Bucket(..) => Some(self.link_valid),
        }
    }

    /// Starts an upload. The file appears when the upload is finished, and replaces one with the same name.
    ///
    /// # Errors
    ///
    /// The storage failed.
    pub async fn create(&self, folder: &str, name: &str, content_type: &'static str) -> Result<Upload, Error> {
        let path = self.path(folder, name);
        let parts = match &self.place {
            Place::Folder(place) => {
                let file = place.path_to_filesystem(&path)?;
                if let Some(Err(error)) = file.parent().map(create_private) {
                    tracing::warn!(%error, "cannot create the folder for files");
                    return Err(Error::Failed);
                }
                let parts = place.put_multipart_opts(&path, PutMultipartOptions::default()).await?;
                return Ok(Upload::private(parts, file));
            }
            Place::Bucket(_, place) => {
                let mut options = PutMultipartOptions::default();
                options.attributes.insert(Attribute::ContentType, content_type.into());
                // Downloads as attachment, so that HTML reports do not run in the origin of the bucket.
                options.attributes.insert(Attribute::ContentDisposition, "attachment".into());
                place.put_multipart_opts(&path, options).await?
            }
        };
        Ok(Upload::new(parts))
    }

    /// Returns a link that works without credentials for [`link_valid`](Self::link_valid).
    ///
    /// # Errors
    ///
    /// There are no credentials to sign the link.
    pub async fn link(&self, folder: &str, name: &str) -> Result<Url, Error> {
        let path = self.path(folder, name);
        match &self.place {
            Place::Folder(place) => {
                let path = place.path_to_filesystem(&path)?;
                Url::from_file_path(path).map_err(|()| Error::Missing)
            }
            Place::Bucket(_, place) => Ok(place.signed_url(Method::GET, &path, self.link_valid).await?),
        }
    }

    /// Returns the URL of the file for users with access: `s3://bucket/key`, or a `file:` URL.
    pub fn address(&self, folder: &str, name: &str) -> String {
        let path = self.path(folder, name);
        match &self.place {
            Place::Folder(place) => {
                let path = place.path_to_filesystem(&path).ok().and_then(|path| Url::from_file_path(path).ok());
                path.map(String::from).unwrap_or_default()
            }
            Place::Bucket(bucket, _) => format!("s3://{bucket}/{path}"),
        }
    }

    /// Returns the path of a file. Special characters are encoded, so a name cannot leave the folder.
    fn path(&self, folder: &str, name: &str) -> Path {
        self.prefix.clone().join(folder).join(name)
    }
}

/// Creates the folder and its missing parents with access for this user only: exports contain personal data.
fn create_private(folder: &Folder) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[tokio::test]
    async fn files_and_folders_are_private() {
        let above = tempfile::tempdir().expect("a folder");
        let folder = above.path().join("exports");
        let files = Files::in_folder(&folder).expect("files");
        let mut upload = files.create("7", "runs.csv", "text/csv").await.expect("a file");
        upload.write(b"id").await.expect("written");
        upload.finish().await.expect("finished");
        let mode = |path: &std::path::Path| fs::metadata(path).expect("it is there").mode() & 0o777;
        assert_eq!(mode(&folder.join("7/runs.csv")), 0o600);
        assert_eq!((mode(&folder), mode(&folder.join("7"))), (0o700, 0o700));
    }
}
