//! Pages of lists whose length is unbounded.

/// The requested part of a list.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// The position after which the page begins; empty for the first page.
    pub after: &'a str,
    /// Maximum of items.
    pub count: i64,
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paged<T> {
    /// The items.
    pub items: Vec<T>,
    /// The position of the last item, if more items follow.
    pub next: Option<String>,
}

/// [`PAGE_BYTES`](crate::extent::PAGE_BYTES) as a bind: of bodies and endpoints.
#[expect(clippy::cast_possible_wrap, reason = "it is small")]
pub(crate) const PAGE_BYTES: i64 = crate::extent::PAGE_BYTES as i64;

impl<T> Paged<T> {
    /// Creates a page from rows that each indicate whether more rows follow.
    pub(crate) fn of(rows: impl IntoIterator<Item = (T, bool)>, position: impl Fn(&T) -> String) -> Self {
        let mut has_more = false;
        let items: Vec<T> = rows.into_iter().inspect(|(_, more)| has_more = *more).map(|(item, _)| item).collect();
        let next = items.last().filter(|_| has_more).map(position);
        Self { items, next }
    }

    /// Converts every item.
    pub fn map<U>(self, into: impl FnMut(T) -> U) -> Paged<U> {
        Paged { items: self.items.into_iter().map(into).collect(), next: self.next }
    }
}
