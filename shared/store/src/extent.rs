//! The extent of a page: a number of rows or of bytes, whichever is reached first.

use crate::fit::how_many_fit;

/// Maximum of bytes of a page, unless its only row is larger: headers, bodies and responses as stored.
pub const PAGE_BYTES: usize = 8 * 1024 * 1024;

/// The requested extent of a page.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// Maximum of rows.
    pub count: i64,
    /// Maximum of bytes. The first row is loaded regardless of its size.
    pub bytes: usize,
    /// Whether bodies of messages are loaded, and counted.
    pub with_bodies: bool,
}

/// A page of a list.
#[derive(Debug)]
pub struct Page<Row, Cursor> {
    /// The rows, in order.
    pub rows: Vec<Row>,
    /// The position of the last row, if more rows follow.
    pub cursor: Option<Cursor>,
    /// Bytes loaded.
    pub bytes: usize,
}

/// The end of a page.
pub(crate) struct End {
    pub(crate) has_more: bool,
    pub(crate) bytes: usize,
}

impl Extent {
    /// Returns the maximum of rows plus one: an extra row indicates a further page.
    pub(crate) fn count_and_next(&self) -> i64 {
        self.count.saturating_add(1)
    }

    /// Truncates the positions to those of the page. Each one has a size.
    pub(crate) fn cut<Place>(&self, places: &mut Vec<Place>, sizes: &[i64]) -> End {
        let sizes = || sizes.iter().map(|size| usize::try_from(*size).unwrap_or(0));
        let found = places.len();
        let of_count = usize::try_from(self.count).unwrap_or(usize::MAX);
        places.truncate(how_many_fit(sizes(), self.bytes).min(of_count));
        End { has_more: places.len() < found, bytes: sizes().take(places.len()).sum() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_ends_at_its_count_or_at_its_bytes() {
        for (count, bytes, kept, has_more, of_page) in
            [(3, 100, 3, true, 6), (4, 100, 4, false, 10), (9, 6, 3, true, 6), (9, 5, 2, true, 3), (9, 0, 1, true, 1)]
        {
            let mut places = vec!["a", "b", "c", "d"];
            let end = Extent { count, bytes, with_bodies: true }.cut(&mut places, &[1, 2, 3, 4]);
            assert_eq!((places.len(), end.has_more, end.bytes), (kept, has_more, of_page), "{count} {bytes}");
        }
    }
}
