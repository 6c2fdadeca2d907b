//! Pages of the lists whose length is that of what is stored.

/// Which part of a list.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// Only what stands after the item with this position; empty: from the beginning.
    pub after: &'a str,
    /// Items at most.
    pub count: i64,
}

/// Part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paged<T> {
    /// The items.
    pub items: Vec<T>,
    /// The position of the last one, when the list goes on behind it.
    pub next: Option<String>,
}

/// [`PAGE_BYTES`](crate::extent::PAGE_BYTES) as it is bound: of bodies and endpoints.
#[expect(clippy::cast_possible_wrap, reason = "it is small")]
pub(crate) const PAGE_BYTES: i64 = crate::extent::PAGE_BYTES as i64;

impl<T> Paged<T> {
    /// Of rows that each tell whether there are more behind them.
    pub(crate) fn of(rows: impl IntoIterator<Item = (T, bool)>, position: impl Fn(&T) -> String) -> Self {
        let mut has_more = false;
        let items: Vec<T> = rows.into_iter().inspect(|(_, more)| has_more = *more).map(|(item, _)| item).collect();
        let next = items.last().filter(|_| has_more).map(position);
        Self { items, next }
    }

    /// With every item made into something else.
    pub fn map<U>(self, into: impl FnMut(T) -> U) -> Paged<U> {
        Paged { items: self.items.into_iter().map(into).collect(), next: self.next }
    }
}
