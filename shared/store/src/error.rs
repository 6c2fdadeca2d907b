//! Errors of Postgres, classified by whether the same statement can succeed later.
//!
//! The SQLSTATE decides ([appendix A](https://www.postgresql.org/docs/current/errcodes-appendix.html)), never a text:
//! servers use the language of their `lc_messages`.

use std::error::Error as StdError;

use deadpool::managed::PoolError;
use diesel::ConnectionError;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use sigpost_runtime::ApiError;
use tokio_postgres::error::{DbError, SqlState};

use crate::database::suspicion;

/// An error of the store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Postgres cannot be reached, is starting, stopping or read-only, lacks resources, or closed the connection. A
    /// later retry may succeed.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// The statement lost to another transaction, or exceeded its timeout. A later retry succeeds.
    #[error("the statement was interrupted: {0}")]
    Busy(String),
    /// Postgres rejected the data (a check, a type, a size), and would reject it again.
    #[error("the database rejected the data: {0}")]
    Rejected(String),
    /// Any other error: a fault in sigpost or in its schema.
    #[error("the database responded: {0}")]
    Other(DieselError),
}

/// The class of an SQLSTATE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// The connection is closed, or leads to a read-only server.
    Disconnected,
    /// The server cannot execute statements at present.
    Unavailable,
    /// This statement was interrupted.
    Busy,
    /// The data is rejected.
    Rejected,
    Other,
}

fn class(sqlstate: &str) -> Class {
    match sqlstate {
        // lock_not_available, query_canceled
        "55P03" | "57014" => Class::Busy,
        // read_only_sql_transaction
        "25006" => Class::Disconnected,
        // Connection exceptions, shutdowns and starts.
        code if ["08", "57P"].iter().any(|class| code.starts_with(class)) => Class::Disconnected,
        // Insufficient resources, operator intervention, errors of the system.
        code if ["53", "57", "58"].iter().any(|class| code.starts_with(class)) => Class::Unavailable,
        // Rolled-back transactions: deadlocks, serialization failures.
        code if code.starts_with("40") => Class::Busy,
        // Data exceptions, constraint violations, and limits of the program such as the size of an index entry.
        code if ["22", "23", "54"].iter().any(|class| code.starts_with(class)) => Class::Rejected,
        _ => Class::Other,
    }
}

impl Error {
    /// Returns whether a later retry may succeed.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Busy(_))
    }

    /// Returns the same error for another caller of the same statement.
    pub fn for_another(&self) -> Self {
        match self {
            Self::Unavailable(text) => Self::Unavailable(text.clone()),
            Self::Busy(text) => Self::Busy(text.clone()),
            Self::Rejected(text) => Self::Rejected(text.clone()),
            Self::Other(error) => Self::Other(DieselError::QueryBuilderError(error.to_string().into())),
        }
    }
}

impl From<DieselError> for Error {
    fn from(error: DieselError) -> Self {
        let class = match &error {
            DieselError::DatabaseError(kind, _) => match kind {
                // tokio-postgres has no SQLSTATE for a closed or broken connection.
                DatabaseErrorKind::UnableToSendCommand | DatabaseErrorKind::ClosedConnection => Class::Disconnected,
                DatabaseErrorKind::ReadOnlyTransaction => class(SqlState::READ_ONLY_SQL_TRANSACTION.code()),
                DatabaseErrorKind::SerializationFailure => class(SqlState::T_R_SERIALIZATION_FAILURE.code()),
                DatabaseErrorKind::UniqueViolation
                | DatabaseErrorKind::CheckViolation
                | DatabaseErrorKind::NotNullViolation
                | DatabaseErrorKind::ForeignKeyViolation
                | DatabaseErrorKind::RestrictViolation
                | DatabaseErrorKind::ExclusionViolation => Class::Rejected,
                _ => Class::Other,
            },
            DieselError::BrokenTransactionManager => Class::Disconnected,
            DieselError::QueryBuilderError(cause) => match cause.downcast_ref::<DbError>() {
                Some(cause) => class(cause.code().code()),
                None => Class::Other,
            },
            // Of the two errors, that of the commit has the cause.
            DieselError::RollbackErrorOnCommit { .. } => {
                let DieselError::RollbackErrorOnCommit { commit_error, .. } = error else { return Self::Other(error) };
                return (*commit_error).into();
            }
            _ => Class::Other,
        };
        match class {
            Class::Disconnected => {
                suspicion::raise();
                Self::Unavailable(error.to_string())
            }
            Class::Unavailable => Self::Unavailable(error.to_string()),
            Class::Busy => Self::Busy(error.to_string()),
            Class::Rejected => Self::Rejected(error.to_string()),
            Class::Other => Self::Other(error),
        }
    }
}

impl From<ConnectionError> for Error {
    fn from(error: ConnectionError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<PoolError<ConnectionError>> for Error {
    fn from(error: PoolError<ConnectionError>) -> Self {
        match error {
            PoolError::Backend(error) => error.into(),
            error => Self::Unavailable(error.to_string()),
        }
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::Unavailable(_) => Self::unavailable(error),
            Error::Busy(_) => Self::interrupted(error),
            Error::Rejected(_) | Error::Other(_) => Self::internal(error),
        }
    }
}

/// Returns whether the error, or one of its causes, has this SQLSTATE.
pub(crate) fn has_sqlstate(error: &DieselError, state: &SqlState) -> bool {
    match error {
        DieselError::QueryBuilderError(cause) => {
            let cause: &(dyn StdError + 'static) = &**cause;
            cause.downcast_ref::<DbError>().is_some_and(|cause| cause.code() == state)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlstates_decide_whether_a_statement_can_be_repeated() {
        for (sqlstate, expected) in [
            ("08006", Class::Disconnected),
            ("08P01", Class::Disconnected),
            ("25006", Class::Disconnected),
            ("53100", Class::Unavailable),
            ("53300", Class::Unavailable),
            ("57P01", Class::Disconnected),
            ("57P03", Class::Disconnected),
            ("58030", Class::Unavailable),
            ("40001", Class::Busy),
            ("40P01", Class::Busy),
            ("55P03", Class::Busy),
            ("57014", Class::Busy),
            ("22021", Class::Rejected),
            ("22P05", Class::Rejected),
            ("23505", Class::Rejected),
            ("23514", Class::Rejected),
            ("54000", Class::Rejected),
            ("25P02", Class::Other),
            ("42P01", Class::Other),
            ("42501", Class::Other),
            ("XX000", Class::Other),
        ] {
            assert_eq!(class(sqlstate), expected, "{sqlstate}");
        }
    }
}
