//! A field with a set of numbers: `*`, and lists of `5`, `1-5`, `0/15`.

use std::collections::BTreeSet;

/// Parses a field. The names stand for the numbers from `least` on.
pub(super) fn parse(
    field: &str,
    text: &str,
    least: i16,
    greatest: i16,
    names: &[&str],
) -> Result<BTreeSet<i16>, String> {
    let number = |text: &str| {
        let named = names.iter().position(|name| *name == text).map(|index| least + index as i16);
        let number = named.or_else(|| parse_number(text)).filter(|number| (least..=greatest).contains(number));
        number.ok_or_else(|| format!("{field}: {text:?} is not in {least}-{greatest}"))
    };
    if text == "*" {
        return Ok((least..=greatest).collect());
    }
    let mut set = BTreeSet::new();
    for part in text.split(',') {
        if let Some((start, step)) = part.split_once('/') {
            let start = number(start)?;
            let step = parse_number(step).filter(|step| *step > 0);
            let step = step.ok_or_else(|| format!("{field}: {part:?} has no increment"))?;
            set.extend((start..=greatest).step_by(step.unsigned_abs().into()));
        } else if let Some((start, end)) = part.split_once('-') {
            let (start, end) = (number(start)?, number(end)?);
            if start > end {
                return Err(format!("{field}: {part:?} ends before it starts"));
            }
            set.extend(start..=end);
        } else {
            set.insert(number(part)?);
        }
    }
    Ok(set)
}

/// Accepts digits only: `parse` alone would accept `+5`.
pub(super) fn parse_number(text: &str) -> Option<i16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
