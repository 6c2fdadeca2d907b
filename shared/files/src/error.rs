//! Why a file is not where it should be.

use sigpost_jobs::JobError;

/// A failure of the place that files go to. Its text has no secret in it; the cause is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is not there: no such bucket, or no such folder.
    #[error("FILES_URL: the place for files does not exist")]
    Missing,
    /// Its credentials do not allow it.
    #[error("FILES_URL: the place for files does not let this function in")]
    Forbidden,
    /// It did not answer, or with an error of its own.
    #[error("the place for files failed")]
    Failed,
}

impl From<object_store::Error> for Error {
    fn from(error: object_store::Error) -> Self {
        tracing::warn!(reason = reason(&error), "the place for files failed");
        match error {
            object_store::Error::NotFound { .. } => Self::Missing,
            object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
                Self::Forbidden
            }
            _ => Self::Failed,
        }
    }
}

/// Somebody may repair it: so it is tried again.
impl From<Error> for JobError {
    fn from(error: Error) -> Self {
        Self::retryable(error)
    }
}

/// The code that S3 gave, else the beginning of the text: S3 repeats what was signed, and a role's token is
/// in it.
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
