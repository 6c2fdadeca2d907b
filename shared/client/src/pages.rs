//! Lists in pages.

use serde::de::DeserializeOwned;
use sigpost_qstash::{DeadLettersPage, Deleted, EventsPage, Retried};
use url::Url;

use crate::{Call, Error};

/// A page of a list.
pub trait Paged: DeserializeOwned {
    /// Returns the cursor of the next page, if the page has it.
    fn cursor(&self) -> Option<String>;
}

impl<T: DeserializeOwned> Paged for EventsPage<T> {
    fn cursor(&self) -> Option<String> {
        self.cursor.map(|cursor| cursor.to_string())
    }
}

impl<T: DeserializeOwned> Paged for DeadLettersPage<T> {
    fn cursor(&self) -> Option<String> {
        self.cursor.clone()
    }
}

impl Paged for Deleted {
    fn cursor(&self) -> Option<String> {
        self.cursor.clone()
    }
}

impl Paged for Retried {
    fn cursor(&self) -> Option<String> {
        self.cursor.clone()
    }
}

/// Queues, flow-control keys, schedules and URL groups: the next page is in the header `Link`.
impl<T: DeserializeOwned> Paged for Vec<T> {
    fn cursor(&self) -> Option<String> {
        None
    }
}

impl<T: Paged> Call<T> {
    /// Limits the number of items of a page. The API limits it as well, and also the bytes of a page.
    pub fn count(self, most: usize) -> Self {
        self.set_query("count", &most.to_string())
    }

    /// Begins after the page with this cursor.
    pub fn after(self, cursor: Option<&str>) -> Self {
        match cursor {
            Some(cursor) => self.set_query("cursor", cursor),
            None => self,
        }
    }

    /// Returns the page and all later ones, one request each.
    pub fn pages(self) -> Pages<T> {
        Pages { next: Some(self), last: None }
    }
}

/// The pages of a list.
pub struct Pages<T> {
    next: Option<Call<T>>,
    /// URL of the last page.
    last: Option<Url>,
}

impl<T: Paged> Pages<T> {
    /// Limits the number of items of the next pages, as [`Call::count`].
    pub fn count(self, most: usize) -> Self {
        Self { next: self.next.map(|call| call.count(most)), ..self }
    }

    /// Requests the next page. Returns `None` at the end, and after an error.
    ///
    /// # Errors
    ///
    /// As any request; or the last page names itself as the next one, which would not end.
    pub async fn next(&mut self) -> Result<Option<T>, Error> {
        let Some(call) = self.next.take() else { return Ok(None) };
        let (url, again) = (call.url(), call.again());
        if url.is_some() && url == self.last {
            return Err(call.invalid_response("the next page is the same page"));
        }
        self.last = url;
        let response = call.response().await?;
        let page = response.read()?;
        self.next = match (again, page.cursor(), response.next_query()) {
            (Some(call), Some(cursor), _) => Some(call.after(Some(&cursor))),
            (Some(call), None, Some(query)) => Some(call.with_whole_query(&query)),
            _ => None,
        };
        Ok(Some(page))
    }
}

impl<T: DeserializeOwned> Pages<Vec<T>> {
    /// Requests all pages and returns their items.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    pub async fn all(mut self) -> Result<Vec<T>, Error> {
        let mut items = Vec::new();
        while let Some(page) = self.next().await? {
            items.extend(page);
        }
        Ok(items)
    }
}
