//! Why a page cannot be shown, or something cannot be done: as a page of its own.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use sigpost_runtime::{ApiError, outage};
use sigpost_store::Error;

use super::page::Page;
use crate::connection::NoAnswer;

/// What went wrong, for who asked.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// The API does not do it, and says why.
    Refused { status: StatusCode, text: String },
    /// The API does not know the console's token.
    NotLetIn,
    /// The API does not answer.
    ApiAway,
    /// The API's answer is larger than the console reads, or no JSON that it knows.
    ApiUnreadable(&'static str),
    /// The database does not answer.
    DatabaseAway,
    /// Something else; the log has it.
    Internal,
}

impl Failure {
    /// What was asked for makes no sense; the text names the field.
    pub(crate) fn bad_request(text: impl Into<String>) -> Self {
        Self::Refused { status: StatusCode::BAD_REQUEST, text: text.into() }
    }

    pub(crate) fn not_found(text: impl Into<String>) -> Self {
        Self::Refused { status: StatusCode::NOT_FOUND, text: text.into() }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        if error.is_transient() {
            outage::reject(&error);
            return Self::DatabaseAway;
        }
        tracing::error!(%error, "a page of the console failed");
        Self::Internal
    }
}

impl From<NoAnswer> for Failure {
    fn from(why: NoAnswer) -> Self {
        match why {
            NoAnswer::Failed(error) => error.into(),
            NoAnswer::TooManyLists => {
                let error = ApiError::too_many_lists();
                Self::Refused { status: error.status(), text: error.text().to_owned() }
            }
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let away = StatusCode::SERVICE_UNAVAILABLE;
        let (status, title, reason) = match self {
            Self::Refused { status: StatusCode::NOT_FOUND, text } => (StatusCode::NOT_FOUND, "Not found", text),
            Self::Refused { status, text } => (status, "Not done", text),
            Self::NotLetIn => {
                let text = "The API does not accept the console's token. QSTASH_TOKEN of the admin function has to be \
                            the API's; functions read it when they start.";
                (StatusCode::BAD_GATEWAY, "Not let in", text.to_owned())
            }
            Self::ApiAway => {
                (away, "The API is away", "The dispatch API does not answer. Try again in a moment.".to_owned())
            }
            Self::ApiUnreadable(reason) => (StatusCode::BAD_GATEWAY, "No answer that can be shown", reason.to_owned()),
            Self::DatabaseAway => {
                (away, "The database is away", "The database does not answer. Try again in a moment.".to_owned())
            }
            Self::Internal => {
                let text = "Something went wrong here. The log of the process says what.";
                (StatusCode::INTERNAL_SERVER_ERROR, "Internal error", text.to_owned())
            }
        };
        Page::refusal(status, title, &reason).into_response()
    }
}
