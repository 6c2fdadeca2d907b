//! Errors of the file storage.

use sigpost_jobs::JobError;

/// Error of the file storage. Its text contains no secret. The cause is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bucket or folder does not exist.
    #[error("FILES_URL: the bucket or folder does not exist")]
    Missing,
    /// The credentials do not grant access.
    #[error("FILES_URL: access to the file storage denied")]
    Forbidden,
    /// The storage did not respond or returned an error.
    #[error("the file storage failed")]
    Failed,
}

impl From<object_store::Error> for Error {
    fn from(error: object_store::Error) -> Self {
        tracing::warn!(reason = reason(&error), "file storage error");
        match error {
            object_store::Error::NotFound { .. } => Self::Missing,
            object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
                Self::Forbidden
            }
            _ => Self::Failed,
        }
    }
}

/// All errors are retryable, because an operator can fix the storage.
impl From<Error> for JobError {
    fn from(error: Error) -> Self {
        Self::retryable(error)
    }
}

/// Returns the error code of S3, else the start of the text. The full text may contain the signed request with the
/// session token of a role.
fn reason(error: &object_store::Error) -> String {
    let source = std::error::Error::source(error);
    let text = source.map_or_else(|| error.to_string(), |source| format!("{error}: {source}"));
    let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    code.map_or_else(|| text[..text.floor_char_boundary(200)].to_owned(), |(code, _)| code.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_s3_says_only_the_code_is_in_the_log() {
        let said = "<Error><Code>SignatureDoesNotMatch</Code><StringToSign>a token</StringToSign></Error>";
        let error = object_store::Error::Generic { store: "S3", source: said.into() };
        assert_eq!(reason(&error), "SignatureDoesNotMatch");
        let error = object_store::Error::Generic { store: "S3", source: "no route".into() };
        assert!(reason(&error).contains("no route"));
    }
}
