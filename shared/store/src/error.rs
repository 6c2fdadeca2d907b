//! What can go wrong with Postgres, as far as callers care: it is away, or something is wrong.

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_async::pooled_connection::deadpool::PoolError;
use sigpost_runtime::ApiError;

/// An error of the store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Postgres cannot be reached, is starting or stopping, or dropped the connection. Trying again later may work.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// Somebody else's open transaction held a row for too long, such as a deduplication key that it
    /// has taken and not committed. Trying again later works.
    #[error("another transaction is in the way: {0}")]
    Busy(String),
    /// Postgres refused this data (a check, a type, a size). The same data will be refused again.
    #[error("the database refused the data: {0}")]
    Refused(String),
    /// Anything else: a fault in sigpost or in its schema.
    #[error("the database answered: {0}")]
    Other(DieselError),
}

impl Error {
    /// Whether trying again later may work.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

impl Error {
    /// The same error for another who waited for the same statement.
    pub fn for_another(&self) -> Self {
        match self {
            Self::Unavailable(text) => Self::Unavailable(text.clone()),
            Self::Busy(text) => Self::Busy(text.clone()),
            Self::Refused(text) => Self::Refused(text.clone()),
            Self::Other(error) => Self::Refused(error.to_string()),
        }
    }
}

impl From<DieselError> for Error {
    fn from(error: DieselError) -> Self {
        match &error {
            DieselError::DatabaseError(kind, information) => match kind {
                DatabaseErrorKind::UnableToSendCommand | DatabaseErrorKind::ClosedConnection => {
                    Self::Unavailable(error.to_string())
                }
                DatabaseErrorKind::UniqueViolation
                | DatabaseErrorKind::CheckViolation
                | DatabaseErrorKind::NotNullViolation
                | DatabaseErrorKind::ForeignKeyViolation => Self::Refused(error.to_string()),
                // diesel keeps no SQLSTATE; these are the texts of 57P01, 57P02, 57P03 and 53300.
                _ if ["terminating connection", "the database system is", "too many clients", "connection closed"]
                    .iter()
                    .any(|text| information.message().contains(text)) =>
                {
                    Self::Unavailable(error.to_string())
                }
                // 55P03 and 40P01.
                _ if ["lock timeout", "deadlock detected"].iter().any(|text| information.message().contains(text)) => {
                    Self::Busy(error.to_string())
                }
                // 22P05, 22021: a zero byte or an unpaired surrogate in a text.
                _ if information.message().contains("Unicode escape sequence")
                    || information.message().contains("invalid byte sequence") =>
                {
                    Self::Refused(error.to_string())
                }
                _ => Self::Other(error),
            },
            DieselError::BrokenTransactionManager => Self::Unavailable(error.to_string()),
            _ => Self::Other(error),
        }
    }
}

impl From<PoolError> for Error {
    fn from(error: PoolError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::Unavailable(_) | Error::Busy(_) => Self::unavailable(error),
            Error::Refused(_) | Error::Other(_) => Self::internal(error),
        }
    }
}
