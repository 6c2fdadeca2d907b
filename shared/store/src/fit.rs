//! Fits items into a budget of bytes.

/// Returns how many of the first items fit into the budget together, at least one: an item that exceeds the budget
/// comes alone.
pub fn how_many_fit(sizes: impl IntoIterator<Item = usize>, budget: usize) -> usize {
    let mut total = 0_usize;
    let fits = |(index, size): &(usize, usize)| {
        total = total.saturating_add(*size);
        *index == 0 || total <= budget
    };
    sizes.into_iter().enumerate().take_while(fits).count()
}

#[cfg(test)]
mod tests {
    use super::how_many_fit;

    #[test]
    fn first_item_always_fits() {
        for (sizes, expected) in [
            (&[][..], 0),
            (&[5], 1),
            (&[11, 1], 1),
            (&[usize::MAX, 1], 1),
            (&[4, 6, 1], 2),
            (&[4, 7, 1], 1),
            (&[0, 0, 10, 0, 1], 4),
        ] {
            assert_eq!(how_many_fit(sizes.iter().copied(), 10), expected, "{sizes:?}");
        }
    }
}
