//! A request that is ready to be sent.

use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Method, Request, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::{Url, form_urlencoded};

use crate::connection::Connection;
use crate::{Error, Response};

/// A request whose response is a `T`. It is sent when it is awaited, or by [`response`](Self::response).
#[must_use = "a call is sent when it is awaited"]
pub struct Call<T> {
    connection: Arc<Connection>,
    request: Result<Request, Error>,
    /// Status outside 2xx that also has a `T`.
    also: Option<StatusCode>,
    answer: PhantomData<fn() -> T>,
}

impl<T> Call<T> {
    pub(crate) fn new(connection: &Arc<Connection>, method: Method, path: Result<String, Error>) -> Self {
        let url = path.and_then(|path| {
            let text = format!("{}{path}", connection.url);
            Url::parse(&text).map_err(|why| Error::InvalidRequest(format!("{text:?} is not a URL: {why}")))
        });
        let request = url.map(|url| Request::new(method, url));
        Self { connection: Arc::clone(connection), request, also: None, answer: PhantomData }
    }

    /// Reads the response as another type, such as `serde_json::Value` for the JSON of a list's items.
    pub fn read_as<R>(self) -> Call<R> {
        let Self { connection, request, also, .. } = self;
        Call { connection, request, also, answer: PhantomData }
    }

    pub(crate) fn or_status(self, status: StatusCode) -> Self {
        Self { also: Some(status), ..self }
    }

    fn with(self, change: impl FnOnce(&mut Request) -> Result<(), Error>) -> Self {
        let request = self.request.and_then(|mut request| change(&mut request).map(|()| request));
        Self { request, ..self }
    }

    /// Adds query parameters.
    pub(crate) fn query<V: AsRef<str>>(self, parameters: impl IntoIterator<Item = (&'static str, V)>) -> Self {
        self.with(|request| {
            let mut parameters = parameters.into_iter().peekable();
            if parameters.peek().is_some() {
                request.url_mut().query_pairs_mut().extend_pairs(parameters);
            }
            Ok(())
        })
    }

    /// Sets a query parameter to one value.
    pub(crate) fn set_query(self, name: &str, value: &str) -> Self {
        self.with(|request| {
            let query = request.url().query().unwrap_or_default();
            let others: Vec<_> =
                form_urlencoded::parse(query.as_bytes()).into_owned().filter(|(other, _)| other != name).collect();
            request.url_mut().query_pairs_mut().clear().extend_pairs(others).append_pair(name, value);
            Ok(())
        })
    }

    pub(crate) fn with_whole_query(self, query: &str) -> Self {
        self.with(|request| {
            request.url_mut().set_query(Some(query));
            Ok(())
        })
    }

    pub(crate) fn header(self, name: &str, value: &str) -> Self {
        self.with(|request| {
            let invalid = |what| Error::InvalidRequest(format!("header {name:?}: {what}"));
            let name = HeaderName::try_from(name).map_err(|_| invalid("the name is not a valid header name"))?;
            let value = HeaderValue::try_from(value).map_err(|_| invalid("the value contains a control character"))?;
            request.headers_mut().append(name, value);
            Ok(())
        })
    }

    pub(crate) fn headers<'a>(self, headers: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        headers.into_iter().fold(self, |call, (name, value)| call.header(name, value))
    }

    pub(crate) fn body(self, body: Bytes) -> Self {
        self.with(|request| {
            *request.body_mut() = Some(body.into());
            Ok(())
        })
    }

    pub(crate) fn json(self, body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(json) => self.header(CONTENT_TYPE.as_str(), "application/json").body(json.into()),
            Err(why) => self.with(|_| Err(Error::InvalidRequest(format!("the body is not JSON: {why}")))),
        }
    }

    /// Returns the same request again; nothing if it is invalid.
    pub(crate) fn again(&self) -> Option<Self> {
        let request = self.request.as_ref().ok()?.try_clone()?;
        Some(Self { connection: Arc::clone(&self.connection), request: Ok(request), ..*self })
    }

    pub(crate) fn url(&self) -> Option<Url> {
        self.request.as_ref().ok().map(|request| request.url().clone())
    }

    pub(crate) fn invalid_response(&self, cause: &str) -> Error {
        Error::InvalidResponse { url: self.connection.url.clone(), cause: cause.to_owned() }
    }

    /// Sends the request and returns the response, whatever its status.
    ///
    /// # Errors
    ///
    /// The request is invalid, there is no response, or the response is too large.
    pub async fn response(self) -> Result<Response<T>, Error> {
        let Self { connection, request, also, .. } = self;
        let received = connection.send(request?).await?;
        Ok(Response::new(connection.url.clone(), received, also))
    }
}

/// Sends the request and reads the response.
impl<T: DeserializeOwned + 'static> IntoFuture for Call<T> {
    type Output = Result<T, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.response().await?.read() })
    }
}
