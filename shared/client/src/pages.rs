//! Lists in pages.

use serde::de::DeserializeOwned;
use sigpost_qstash::{DeadLettersPage, Deleted, EventsPage, Retried};

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
        Pages { next: Some(self) }
    }
}

/// The pages of a list.
pub struct Pages<T> {
    next: Option<Call<T>>,
}

impl<T: Paged> Pages<T> {
    /// Limits the number of items of the next pages, as [`Call::count`].
    pub fn count(self, most: usize) -> Self {
        Self { next: self.next.map(|call| call.count(most)) }
    }

    /// Requests the next page. Returns `None` at the end, and after an error.
    ///
    /// # Errors
    ///
    /// As any request; or the page names itself as the next one.
    pub async fn next(&mut self) -> Result<Option<T>, Error> {
        let Some(call) = self.next.take() else { return Ok(None) };
        let again = call.again();
        let response = call.response().await?;
        let page = response.read()?;
        if let Some(call) = again {
            let same = call.again();
            self.next = match (page.cursor(), response.next_query()) {
                (Some(cursor), _) => Some(call.after(Some(&cursor))),
                (None, Some(query)) => Some(call.with_whole_query(&query)),
                (None, None) => None,
            };
            if let (Some(next), Some(same)) = (&self.next, same)
                && next.is_same_as(&same)
            {
                self.next = None;
                return Err(response.invalid("the next page is the same page".to_owned()));
            }
        }
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
