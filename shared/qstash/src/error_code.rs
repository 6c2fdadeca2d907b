//! The codes of error responses.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($(#[doc = $meaning:literal] $code:ident = $name:literal, $status:literal;)+) => {
        /// The code of an error response: stable, for programs. Each code has one status.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub enum ErrorCode {
            $(#[doc = $meaning] #[serde(rename = $name)] $code,)+
        }

        impl ErrorCode {
            /// All codes, sorted by status.
            pub const ALL: &[Self] = &[$(Self::$code,)+];

            /// Returns the code as in responses, such as `not_found`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$code => $name,)+ }
            }

            /// Returns the status of responses with this code.
            pub const fn status(self) -> u16 {
                match self { $(Self::$code => $status,)+ }
            }

            /// Returns its meaning, a sentence.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$code => $meaning,)+ }.trim_start()
            }
        }
    };
}

codes! {
    /// An `Upstash-*` header, or the query parameter of the same name, is invalid.
    InvalidHeader = "invalid_header", 400;
    /// A query parameter or a name in the path is invalid.
    InvalidParameter = "invalid_parameter", 400;
    /// The body, or one of its fields, is invalid.
    InvalidBody = "invalid_body", 400;
    /// The destination is not a URL or URL group to which the server delivers.
    InvalidDestination = "invalid_destination", 400;
    /// The request is invalid in another way.
    InvalidRequest = "invalid_request", 400;
    /// The token or the signature is missing, unknown or revoked.
    Unauthorized = "unauthorized", 401;
    /// The scope of the token does not allow the request.
    Forbidden = "forbidden", 403;
    /// The object or the endpoint does not exist.
    NotFound = "not_found", 404;
    /// The endpoint does not support the method.
    MethodNotAllowed = "method_not_allowed", 405;
    /// The body did not arrive in time.
    RequestTimeout = "request_timeout", 408;
    /// The state of the object does not allow the request.
    Conflict = "conflict", 409;
    /// A quota is exceeded.
    QuotaExceeded = "quota_exceeded", 412;
    /// The body is too large.
    PayloadTooLarge = "payload_too_large", 413;
    /// Too many requests or too many invalid tokens.
    RateLimited = "rate_limited", 429;
    /// The request has too many headers.
    TooManyHeaders = "too_many_headers", 431;
    /// The job is invalid.
    JobInvalid = "job_invalid", 489;
    /// The job failed permanently.
    JobRejected = "job_rejected", 489;
    /// The message of the job was cancelled.
    JobCancelled = "job_cancelled", 489;
    /// The server failed; its log has the cause.
    Internal = "internal", 500;
    /// The job failed.
    JobFailed = "job_failed", 500;
    /// The server cannot handle the request now.
    ServiceUnavailable = "service_unavailable", 503;
    /// The job requested a later retry.
    JobPostponed = "job_postponed", 503;
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An enum of strings: derived, it would be a choice of constants, which generators of clients do not support.
impl JsonSchema for ErrorCode {
    fn schema_name() -> Cow<'static, str> {
        "ErrorCode".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        let names: Vec<_> = Self::ALL.iter().map(|code| code.as_str()).collect();
        json_schema!({ "type": "string", "enum": names, "description": "The code of an error, for programs." })
    }
}

#[cfg(test)]
mod tests {
    use super::ErrorCode;

    const PAGE: &str = include_str!("../../../docs/src/reference/errors.md");

    #[test]
    fn page_of_errors_lists_every_code_with_status_and_meaning() {
        let (_, table) = PAGE.split_once("\n## Error codes\n").expect("a section of codes");
        let rows = table.split("\n## ").next().unwrap_or_default().lines().filter(|line| line.starts_with("| `"));
        let rows: Vec<[String; 3]> = rows
            .map(|row| {
                let mut cells = row.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned());
                std::array::from_fn(|_| cells.next().unwrap_or_default())
            })
            .collect();
        let codes = ErrorCode::ALL.iter().map(|code| {
            [format!("`{code}`"), code.status().to_string(), code.meaning().trim_end_matches('.').to_owned()]
        });
        assert_eq!(rows, codes.collect::<Vec<_>>());
    }

    #[test]
    fn response_has_the_code_that_programs_compare() {
        for code in ErrorCode::ALL {
            assert_eq!(serde_json::to_string(code).unwrap(), format!("\"{code}\""));
        }
    }
}
