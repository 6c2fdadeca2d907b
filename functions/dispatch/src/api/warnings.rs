//! Warnings about unknown headers, in the header `Sigpost-Warning` of a response.

use std::convert::Infallible;

use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponseParts, ResponseParts};
use sigpost_qstash::Params;
use sigpost_qstash::options::unknown;
use sigpost_runtime::{LogLimit, RequestId};

const SIGPOST_WARNING: HeaderName = HeaderName::from_static("sigpost-warning");

/// Maximum of warnings in a response.
const MOST: usize = 8;

/// The warnings of a response. A publish usually has none.
#[derive(Default)]
pub(crate) struct Warnings(Vec<String>);

impl Warnings {
    /// Returns the warnings about a request with these parameters.
    pub(crate) fn of(params: &Params) -> Self {
        let mut warnings = Self::default();
        warnings.add(params);
        warnings
    }

    /// Adds the warnings about an item of a batch.
    pub(crate) fn add(&mut self, params: &Params) {
        let mut warnings = unknown::warnings(params);
        while self.0.len() < MOST
            && let Some(warning) = warnings.next()
        {
            if !self.0.contains(&warning) {
                self.0.push(warning);
            }
        }
    }

    fn log(&self) {
        static LIMIT: LogLimit = LogLimit::new();
        if let Some(warning) = self.0.first()
            && let Some(requests) = LIMIT.count()
        {
            tracing::debug!(requests, request_id = %RequestId::current(), warning, "requests have unknown headers");
        }
    }
}

impl IntoResponseParts for Warnings {
    type Error = Infallible;

    fn into_response_parts(self, mut response: ResponseParts) -> Result<ResponseParts, Infallible> {
        self.log();
        for warning in self.0.iter().filter_map(|warning| HeaderValue::from_str(warning).ok()) {
            response.headers_mut().append(SIGPOST_WARNING, warning);
        }
        Ok(response)
    }
}
