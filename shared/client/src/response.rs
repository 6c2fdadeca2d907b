//! The response to a request.

use std::marker::PhantomData;

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, LINK};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sigpost_qstash::next_page::query_of_link;

use crate::connection::Received;
use crate::{Error, Rejection};

/// A response whose body is a `T` if the status is 2xx.
pub struct Response<T> {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    body: Vec<u8>,
    url: String,
    also: Option<StatusCode>,
    answer: PhantomData<fn() -> T>,
}

impl<T> Response<T> {
    pub(crate) fn new(url: String, received: Received, also: Option<StatusCode>) -> Self {
        let Received { status, headers, body } = received;
        Self { status, headers, body, url, also, answer: PhantomData }
    }

    /// Returns the query of the next page of a list that has it in its `Link` header.
    pub(crate) fn next_query(&self) -> Option<String> {
        self.headers.get(LINK).and_then(|link| link.to_str().ok()).and_then(query_of_link).map(str::to_owned)
    }

    fn rejection(&self) -> Error {
        Error::Status(Rejection::read(self.status, &self.body))
    }
}

impl<T: DeserializeOwned> Response<T> {
    /// Reads the body.
    ///
    /// # Errors
    ///
    /// The status is outside 2xx, or the body has another form.
    pub fn read(&self) -> Result<T, Error> {
        if self.status.is_success() {
            return serde_json::from_slice(&self.body)
                .map_err(|why| Error::InvalidResponse { url: self.url.clone(), cause: why.to_string() });
        }
        match self.also == Some(self.status) {
            true => serde_json::from_slice(&self.body).map_err(|_| self.rejection()),
            false => Err(self.rejection()),
        }
    }

    /// Returns the JSON of the body unchanged, with fields that this version does not know; a body that is not JSON as
    /// a text.
    ///
    /// # Errors
    ///
    /// The status is outside 2xx.
    pub fn json(&self) -> Result<Value, Error> {
        if !self.status.is_success() {
            self.read()?;
        }
        Ok(serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&self.body).into_owned())))
    }
}
