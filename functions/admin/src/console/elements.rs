//! Elements of pages: times, states, tables, buttons. maud escapes all text.

use jiff::{SignedDuration, Timestamp, Unit};
use maud::{Markup, html};

use super::session::Session;

/// Renders a time relative to now, with the full time as its title.
pub(crate) fn time(ms: i64, now: Timestamp) -> Markup {
    let Ok(at) = Timestamp::from_millisecond(ms) else { return html! { "–" } };
    let full = full_time(at);
    html! { time datetime=(at) title=(full) { (relative(now.duration_since(at))) } }
}

/// Renders the time to the second, followed by the time relative to now.
pub(crate) fn full(ms: i64, now: Timestamp) -> Markup {
    let Ok(at) = Timestamp::from_millisecond(ms) else { return html! { "–" } };
    html! { time datetime=(at) { (full_time(at)) } " " span.hint { "(" (relative(now.duration_since(at))) ")" } }
}

fn full_time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn relative(ago: SignedDuration) -> String {
    let seconds = ago.as_secs();
    let (count, unit) = match seconds.unsigned_abs() {
        0 => return "now".to_owned(),
        s @ 1..=119 => (s, "s"),
        s @ 120..=7_199 => (s / 60, "min"),
        s @ 7_200..=172_799 => (s / 3600, "h"),
        s => (s / 86_400, "d"),
    };
    if seconds > 0 { format!("{count} {unit} ago") } else { format!("in {count} {unit}") }
}

/// Formats a duration in milliseconds with its significant digits.
pub(crate) fn duration(ms: f64) -> String {
    match ms {
        ms if ms < 10.0 => format!("{ms:.1} ms"),
        ms if ms < 1_000.0 => format!("{ms:.0} ms"),
        ms if ms < 120_000.0 => format!("{:.1} s", ms / 1_000.0),
        ms => {
            let span = SignedDuration::from_secs_f64(ms / 1_000.0);
            let rounded = span.round(Unit::Second).unwrap_or(span);
            format!("{rounded:#}")
        }
    }
}

/// Formats a number with narrow spaces between groups of thousands.
pub(crate) fn number(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = if number < 0 { "−".to_owned() } else { String::new() };
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// Formats a size in bytes, kB or MB.
pub(crate) fn size(bytes: usize) -> String {
    match bytes {
        0..=9_999 => format!("{bytes} bytes"),
        10_000..=9_999_999 => format!("{} kB", bytes / 1000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}

/// Renders a state as a sign, a word and a colour. Each of the three is sufficient.
pub(crate) fn state(state: &str) -> Markup {
    let (class, sign, word) = match state {
        "CREATED" => ("waiting", "○", "pending"),
        "ACTIVE" => ("active", "●", "in flight"),
        "processing" => ("active", "●", "processing"),
        "IN_PROGRESS" => ("active", "●", "in progress"),
        "RETRY" => ("retry", "↻", "retry scheduled"),
        "ERROR" => ("bad", "!", "error"),
        "DELIVERED" => ("good", "✓", "delivered"),
        "completed" | "SUCCESS" => ("good", "✓", "completed"),
        "FAILED" | "failed" | "FAIL" => ("bad", "✗", "failed"),
        "CANCEL_REQUESTED" => ("waiting", "⊘", "cancelling"),
        "CANCELED" => ("waiting", "⊘", "cancelled"),
        "paused" => ("retry", "‖", "paused"),
        "running" => ("good", "✓", "running"),
        other => ("waiting", "·", other),
    };
    badge(class, sign, word)
}

/// Renders an event of the log of a message.
pub(crate) fn event(name: &str) -> Markup {
    match name {
        "CREATED" => badge("waiting", "○", "published"),
        "ACTIVE" => badge("active", "●", "attempt"),
        "RETRY" => badge("retry", "↻", "retry scheduled"),
        "CANCEL_REQUESTED" => badge("waiting", "⊘", "cancellation requested"),
        other => state(other),
    }
}

/// Renders a sign and a word on a coloured background.
pub(crate) fn badge(class: &str, sign: &str, word: &str) -> Markup {
    html! { span class={ "badge " (class) } { span aria-hidden="true" { (sign) } " " (word) } }
}

/// Renders a table. On a narrow screen it scrolls in its own box.
pub(crate) fn table(caption: &str, columns: &[&str], rows: &Markup) -> Markup {
    html! {
        div.scroll role="region" tabindex="0" aria-label=(caption) {
            table {
                thead { tr { @for column in columns { th scope="col" { (column) } } } }
                tbody { (rows) }
            }
        }
    }
}

/// Renders the text for an empty list and, if not empty, a command that creates an item.
pub(crate) fn empty(what: &str, command: &str) -> Markup {
    html! {
        div.empty {
            p { (what) }
            @if !command.is_empty() { pre tabindex="0" { code { (command) } } }
        }
    }
}

/// Renders a text field with its label.
pub(crate) fn text_field(class: &str, name: &str, label: &str, value: &str, required: bool) -> Markup {
    html! {
        div class=(class) {
            label for=(name) { (label) }
            input id=(name) name=(name) value=(value) required[required] autocomplete="off" spellcheck="false";
        }
    }
}

/// Renders a text area with its label.
pub(crate) fn text_area(name: &str, label: &str, value: &str) -> Markup {
    html! {
        div.field {
            label for=(name) { (label) }
            textarea id=(name) name=(name) spellcheck="false" { (value) }
        }
    }
}

/// Button that posts a form of its own.
pub(crate) struct Button<'a> {
    pub(crate) session: &'a Session,
    /// Path that the form posts to.
    pub(crate) action: &'a str,
    pub(crate) label: &'a str,
    /// Question to confirm first, if any.
    pub(crate) confirm: Option<&'a str>,
    /// Hidden fields of the form.
    pub(crate) fields: &'a [(&'a str, &'a str)],
    /// Name of the item, for screen readers, where several buttons have the same label.
    pub(crate) of: Option<&'a str>,
}

impl<'a> Button<'a> {
    pub(crate) fn new(session: &'a Session, action: &'a str, label: &'a str) -> Self {
        Self { session, action, label, confirm: None, fields: &[], of: None }
    }

    pub(crate) fn confirm(self, question: &'a str) -> Self {
        Self { confirm: Some(question), ..self }
    }

    pub(crate) fn fields(self, fields: &'a [(&'a str, &'a str)]) -> Self {
        Self { fields, ..self }
    }

    pub(crate) fn of(self, name: &'a str) -> Self {
        Self { of: Some(name), ..self }
    }

    pub(crate) fn draw(&self) -> Markup {
        html! {
            form.button method="post" action=(self.action) data-confirm=[self.confirm] {
                (self.session.field())
                @for (name, value) in self.fields { input type="hidden" name=(name) value=(value); }
                button.danger[self.confirm.is_some()] {
                    (self.label)
                    @if let Some(of) = self.of { span.unseen { " " (of) } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_from_now() {
        let told = |seconds| relative(SignedDuration::from_secs(seconds));
        for (seconds, text) in [(0, "now"), (5, "5 s ago"), (119, "119 s ago"), (120, "2 min ago"), (-90, "in 90 s")] {
            assert_eq!(told(seconds), text);
        }
        assert_eq!([told(7_200), told(200_000), told(-86_400 * 3)], ["2 h ago", "2 d ago", "in 3 d"]);
    }

    #[test]
    fn numbers_are_grouped_and_durations_have_the_digits_that_matter() {
        assert_eq!([number(7), number(1_234), number(-1_234_567)], ["7", "1\u{202f}234", "−1\u{202f}234\u{202f}567"]);
        assert_eq!(
            [duration(1.26), duration(123.4), duration(4_200.0), duration(150_000.0)],
            ["1.3 ms", "123 ms", "4.2 s", "2m 30s"]
        );
    }

    #[test]
    fn markup_in_a_text_stays_text() {
        let drawn = state("<b>x</b>").into_string() + &empty("<i>", "<u>").into_string();
        assert!(!drawn.contains("<b>") && !drawn.contains("<i>") && !drawn.contains("<u>"), "{drawn}");
    }
}
