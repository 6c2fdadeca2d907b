//! Upload of a file in parts.

use std::path::{Path, PathBuf};

use object_store::MultipartUpload;
use tokio::runtime::Handle;

use crate::Error;

/// Size of all parts but the last. S3 requires at least 5 MiB and accepts 10,000 parts, so a file has at most 80 GiB.
pub const PART_BYTES: usize = 8 * 1024 * 1024;

/// Upload of a file. It holds one part in memory.
///
/// Dropping an unfinished upload removes its parts, and no file appears. After a crash, the bucket's lifecycle rule
/// removes them.
#[derive(Debug)]
pub struct Upload {
    parts: Option<Box<dyn MultipartUpload>>,
    buffer: Vec<u8>,
    written: u64,
    /// Path of a local file, which is made accessible to its owner only.
    private: Option<PathBuf>,
}

impl Upload {
    pub(crate) fn new(parts: Box<dyn MultipartUpload>) -> Self {
        Self { parts: Some(parts), buffer: Vec::new(), written: 0, private: None }
    }

    /// Creates an upload of a local file that is accessible to its owner only.
    pub(crate) fn private(parts: Box<dyn MultipartUpload>, file: PathBuf) -> Self {
        let mut upload = Self::new(parts);
        upload.private = Some(file);
        upload
    }

    /// Returns the number of bytes written so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Appends bytes. Waits while a part is sent.
    ///
    /// # Errors
    ///
    /// The storage failed; the upload must be dropped.
    pub async fn write(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        self.written += bytes.len() as u64;
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(PART_BYTES - self.buffer.len()));
            self.buffer.extend_from_slice(now);
            if self.buffer.len() == PART_BYTES {
                self.send().await?;
            }
            bytes = later;
        }
        Ok(())
    }

    /// Finishes the upload.
    ///
    /// # Errors
    ///
    /// The storage failed; no file was created.
    pub async fn finish(mut self) -> Result<(), Error> {
        if !self.buffer.is_empty() || self.written == 0 {
            self.send().await?;
        }
        if let Some(parts) = &mut self.parts {
            parts.complete().await?;
        }
        self.parts = None;
        match self.private.take() {
            Some(file) => restrict(&file),
            None => Ok(()),
        }
    }

    async fn send(&mut self) -> Result<(), Error> {
        // The first part grows as needed. Later parts are allocated in full.
        let part = std::mem::replace(&mut self.buffer, Vec::with_capacity(PART_BYTES));
        if let Some(parts) = &mut self.parts {
            parts.put_part(part.into()).await?;
        }
        Ok(())
    }
}

fn restrict(file: &Path) -> Result<(), Error> {
    #[cfg(unix)]
    if let Err(error) = std::fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(0o600)) {
        tracing::warn!(%error, "cannot set the permissions of a file");
        return Err(Error::Failed);
    }
    Ok(())
}

impl Drop for Upload {
    fn drop(&mut self) {
        let (Some(mut parts), Ok(runtime)) = (self.parts.take(), Handle::try_current()) else { return };
        runtime.spawn(async move {
            if let Err(error) = parts.abort().await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "cannot remove the parts of an aborted upload"
                );
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use object_store::{PutPayload, PutResult, UploadPart};

    use super::*;

    /// Notes the sizes of what it is given, and how it ends.
    #[derive(Clone, Debug, Default)]
    struct Parts(Arc<Mutex<Vec<String>>>);

    impl Parts {
        fn note(&self, what: impl ToString) {
            self.0.lock().expect("lock").push(what.to_string());
        }

        fn noted(&self) -> Vec<String> {
            self.0.lock().expect("lock").clone()
        }
    }

    impl MultipartUpload for Parts {
        fn put_part(&mut self, data: PutPayload) -> UploadPart {
            self.note(data.content_length());
            Box::pin(std::future::ready(Ok(())))
        }

        fn complete<'a: 'b, 'b>(
            &'a mut self,
        ) -> std::pin::Pin<Box<dyn Future<Output = object_store::Result<PutResult>> + Send + 'b>> {
            self.note("complete");
            Box::pin(std::future::ready(Ok(PutResult { e_tag: None, version: None, extensions: Default::default() })))
        }

        fn abort<'a: 'b, 'b>(
            &'a mut self,
        ) -> std::pin::Pin<Box<dyn Future<Output = object_store::Result<()>> + Send + 'b>> {
            self.note("abort");
            Box::pin(std::future::ready(Ok(())))
        }
    }

    #[tokio::test]
    async fn parts_are_of_one_size_whatever_is_written_at_once() {
        let parts = Parts::default();
        let mut upload = Upload::new(Box::new(parts.clone()));
        let rows = vec![b'x'; 1_000_000];
        for _ in 0..10 {
            upload.write(&rows).await.expect("written");
            assert!(upload.buffer.len() < PART_BYTES && upload.buffer.capacity() <= 2 * PART_BYTES);
        }
        upload.write(&vec![b'x'; 2 * PART_BYTES]).await.expect("written");
        assert_eq!(upload.written(), 10_000_000 + 2 * PART_BYTES as u64);
        upload.finish().await.expect("finished");
        let part = PART_BYTES.to_string();
        let rest = (10_000_000 - PART_BYTES).to_string();
        assert_eq!(parts.noted(), [&part, &part, &part, &rest, "complete"]);
    }

    #[tokio::test]
    async fn an_upload_that_is_given_up_is_removed() {
        let parts = Parts::default();
        let mut upload = Upload::new(Box::new(parts.clone()));
        upload.write(b"rows").await.expect("written");
        drop(upload);
        tokio::task::yield_now().await;
        assert_eq!(parts.noted(), ["abort"]);
    }

    #[tokio::test]
    async fn an_empty_file_is_a_file() {
        let parts = Parts::default();
        Upload::new(Box::new(parts.clone())).finish().await.expect("finished");
        assert_eq!(parts.noted(), ["0", "complete"]);
    }
}
