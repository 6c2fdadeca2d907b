//! Sets of numbers in EventBridge's notation.

/// Returns `*` for the whole range, else a list with ranges: `0,15,30-40`.
pub(super) fn numbers(set: u64, least: u16, greatest: u16) -> String {
    spelled(set, least, greatest, |number| number.to_string())
}

/// As [`numbers`], with other words for the numbers.
pub(super) fn spelled(set: u64, least: u16, greatest: u16, word: impl Fn(u16) -> String) -> String {
    let is_in = |number: u16| set >> number & 1 == 1;
    if (least..=greatest).all(is_in) {
        return "*".to_owned();
    }
    let mut parts = Vec::new();
    let mut next = least;
    while let Some(start) = (next..=greatest).find(|number| is_in(*number)) {
        let end = (start..=greatest).take_while(|number| is_in(*number)).last().unwrap_or(start);
        match end - start {
            0 => parts.push(word(start)),
            1 => parts.extend([word(start), word(end)]),
            _ => parts.push(format!("{}-{}", word(start), word(end))),
        }
        next = end + 1;
    }
    parts.join(",")
}
