//! A file that is being written, in parts.

use std::path::{Path, PathBuf};

use object_store::MultipartUpload;
use tokio::runtime::Handle;

use crate::Error;

/// The size of a part. All but the last are as large: S3 asks for at least 5 MiB, and takes 10,000 parts,
/// so a file has 80 GiB at most.
pub const PART_BYTES: usize = 8 * 1024 * 1024;

/// A file under way. It holds one part in memory while it is filled, and the same one while it is sent.
///
/// A file that is dropped without having been finished is not there, and what was sent of it is removed;
/// a process that dies leaves that to the bucket's lifecycle rule.
#[derive(Debug)]
pub struct Upload {
    parts: Option<Box<dyn MultipartUpload>>,
    buffer: Vec<u8>,
    written: u64,
    /// Only its owner may read it.
    private: Option<PathBuf>,
}

impl Upload {
    pub(crate) fn new(parts: Box<dyn MultipartUpload>) -> Self {
        Self { parts: Some(parts), buffer: Vec::new(), written: 0, private: None }
    }

    /// Of a file of this machine, which only its owner may read.
    pub(crate) fn private(parts: Box<dyn MultipartUpload>, file: PathBuf) -> Self {
        let mut upload = Self::new(parts);
        upload.private = Some(file);
        upload
    }

    /// How many bytes were written so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Writes at the end. Waits while a part is sent.
    ///
    /// # Errors
    ///
    /// The place failed, and the file must be given up.
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

    /// Puts the file where it belongs.
    ///
    /// # Errors
    ///
    /// The place failed, and the file is not there.
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
        // A file of one part takes what it needs; of the next parts it is known that they are large.
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
        tracing::warn!(%error, "the permissions of a file cannot be set");
        return Err(Error::Failed);
    }
    Ok(())
}

impl Drop for Upload {
    fn drop(&mut self) {
        let (Some(mut parts), Ok(runtime)) = (self.parts.take(), Handle::try_current()) else { return };
        runtime.spawn(async move {
            if let Err(error) = parts.abort().await {
                tracing::warn!(error = &error as &dyn std::error::Error, "the parts of a file given up stay behind");
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
