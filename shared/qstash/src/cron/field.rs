//! One field of an expression: the numbers, names, ranges and steps that it may contain.

/// The name of a field and its allowed values.
pub(super) struct Field {
    pub(super) name: &'static str,
    /// The allowed form, shown with every error.
    form: &'static str,
    least: u8,
    greatest: u8,
    /// Number of distinct values: one less in a week, where 0 and 7 are Sunday.
    values: u8,
    /// Names of the numbers from `names_from` on.
    names: &'static [&'static str],
    names_from: u8,
}

/// The numbers of a field, as a bit set.
pub(super) struct Numbers {
    pub(super) set: u64,
    /// Whether it has a `*`: an interval and not fixed times.
    pub(super) is_interval: bool,
}

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

pub(super) const SECOND: Field = Field::of_numbers("second", 0, 59, "0 to 59, such as 5, 1-10, 0,30 or */15");
pub(super) const MINUTE: Field = Field::of_numbers("minute", 0, 59, "0 to 59, such as 5, 1-10, 0,30 or */15");
pub(super) const HOUR: Field = Field::of_numbers("hour", 0, 23, "0 to 23, such as 9, 9-17, 0,12 or */6");
pub(super) const DAY_OF_MONTH: Field =
    Field::of_numbers("day of month", 1, 31, "1 to 31, such as 1, 1-7, 1,15 or */2, or L, LW or 15W");
pub(super) const MONTH: Field = Field {
    names: &MONTHS,
    names_from: 1,
    ..Field::of_numbers("month", 1, 12, "1 to 12 or JAN to DEC, such as 6, JAN-MAR, 1,7 or */3")
};
pub(super) const DAY_OF_WEEK: Field = Field {
    names: &WEEKDAYS,
    values: 7,
    ..Field::of_numbers(
        "day of week",
        0,
        7,
        "0 to 7 or SUN to SAT, such as 1, MON-FRI, SAT,SUN or */2, or FRI#2 or FRIL",
    )
};

impl Field {
    const fn of_numbers(name: &'static str, least: u8, greatest: u8, form: &'static str) -> Self {
        Self { name, form, least, greatest, values: greatest - least + 1, names: &[], names_from: 0 }
    }

    /// Parses a field that consists of numbers only.
    pub(super) fn numbers(&self, text: &str) -> Result<Numbers, String> {
        self.explained(text, || {
            if text == "*" {
                return Ok(Numbers { set: bits(self.least, self.greatest, 1), is_interval: true });
            }
            let mut set = 0;
            for item in text.split(',') {
                set |= self.item(item)?;
            }
            Ok(Numbers { set, is_interval: text.contains('*') })
        })
    }

    /// Adds the field's name, its text and the allowed form to the error of `read`.
    pub(super) fn explained<T>(&self, text: &str, read: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
        let Self { name, form, .. } = self;
        read().map_err(|problem| format!("invalid {name} {text:?}: {problem}, expected {form}"))
    }

    /// Parses one item of a list: `5`, `1-5`, `*/5`, `1-30/5`, or `10/5`, which continues to the end.
    pub(super) fn item(&self, item: &str) -> Result<u64, String> {
        if item.is_empty() {
            return Err("an item of the list is empty".to_owned());
        }
        let Some((span, step)) = item.split_once('/') else {
            let (first, last) = self.span(item)?;
            return Ok(bits(first, last, 1));
        };
        let ((first, last), values) = if span == "*" {
            ((self.least, self.greatest), self.values)
        } else if span.contains('-') {
            let (first, last) = self.span(span)?;
            ((first, last), last - first + 1)
        } else {
            ((self.number(span)?, self.greatest), self.values)
        };
        let step = digits(step).ok_or_else(|| format!("the step {step:?} is not a number"))?;
        if step == 0 || step > values.into() {
            return Err(format!("the step of {item:?} must be 1 to {values}"));
        }
        Ok(bits(first, last, step.into()))
    }

    /// Parses one number or a range.
    fn span(&self, text: &str) -> Result<(u8, u8), String> {
        let Some((first, last)) = text.split_once('-') else {
            return self.number(text).map(|number| (number, number));
        };
        let first = self.number(first)?;
        // Sunday can end a range of weekdays as 7.
        let last = if first > 0 && last == WEEKDAYS[0] && self.number(last)? == 0 { 7 } else { self.number(last)? };
        if first > last { Err(format!("the range {text:?} is reversed")) } else { Ok((first, last)) }
    }

    /// Parses one number or its name.
    pub(super) fn number(&self, text: &str) -> Result<u8, String> {
        let named = (self.names_from..).zip(self.names).find(|(_, name)| **name == text).map(|(number, _)| number);
        let number = named.or_else(|| digits(text).and_then(|number| u8::try_from(number).ok()));
        let number = number.filter(|number| (self.least..=self.greatest).contains(number));
        number.ok_or_else(|| format!("{text:?} is not a valid {}", self.name))
    }
}

fn bits(first: u8, last: u8, step: usize) -> u64 {
    (first..=last).step_by(step).fold(0, |set, number| set | 1 << number)
}

/// Parses digits only: `parse` alone would accept `+5`.
pub(super) fn digits(text: &str) -> Option<u16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
