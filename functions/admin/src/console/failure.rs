//! Errors of the console, rendered as pages.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use sigpost_runtime::{ApiError, RequestId, outage};
use sigpost_store::Error;

use super::page::Page;
use crate::connection::NoAnswer;

/// Error of a request to the console.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// The API rejected the request. `text` is its error.
    Rejected { status: StatusCode, text: String },
    /// The API does not accept the console's token.
    NotLetIn,
    /// The API does not respond.
    ApiAway,
    /// The API's response is larger than the console reads, or is not the expected JSON.
    ApiUnreadable(&'static str),
    /// The database does not respond.
    DatabaseAway,
    /// Any other error. It is logged.
    Internal,
}

impl Failure {
    /// Returns a 400. `text` names the field.
    pub(crate) fn bad_request(text: impl Into<String>) -> Self {
        Self::Rejected { status: StatusCode::BAD_REQUEST, text: text.into() }
    }

    pub(crate) fn not_found(text: impl Into<String>) -> Self {
        Self::Rejected { status: StatusCode::NOT_FOUND, text: text.into() }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        if error.is_transient() {
            outage::reject(&error);
            return Self::DatabaseAway;
        }
        tracing::error!(request_id = %RequestId::current(), %error, "console page failed");
        Self::Internal
    }
}

impl From<NoAnswer> for Failure {
    fn from(why: NoAnswer) -> Self {
        match why {
            NoAnswer::Failed(error) => error.into(),
            NoAnswer::TooManyLists => {
                let error = ApiError::too_many_lists();
                Self::Rejected { status: error.status(), text: error.text().to_owned() }
            }
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let away = StatusCode::SERVICE_UNAVAILABLE;
        let (status, title, reason) = match self {
            Self::Rejected { status: StatusCode::NOT_FOUND, text } => (StatusCode::NOT_FOUND, "Not found", text),
            Self::Rejected { status, text } => (status, "Request rejected", text),
            Self::NotLetIn => {
                let text = "The API does not accept the console's token. Set QSTASH_TOKEN of the admin function to the \
                            API's token and restart the function.";
                (StatusCode::BAD_GATEWAY, "Invalid API token", text.to_owned())
            }
            Self::ApiAway => {
                (away, "API unavailable", "The dispatch API does not respond. Try again later.".to_owned())
            }
            Self::ApiUnreadable(reason) => (StatusCode::BAD_GATEWAY, "Invalid API response", reason.to_owned()),
            Self::DatabaseAway => {
                (away, "Database unavailable", "The database does not respond. Try again later.".to_owned())
            }
            Self::Internal => {
                let text = "An internal error occurred. The log of the process has the details.";
                (StatusCode::INTERNAL_SERVER_ERROR, "Internal error", text.to_owned())
            }
        };
        Page::rejection(status, title, &reason).into_response()
    }
}
