//! Output on stdout: text, or JSON with `--json`.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

use anyhow::Result;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sigpost_client::Call;

/// Prints the value as JSON if `json` is set, otherwise the text. A closed pipe, as with `head`, is not an error.
pub(crate) fn print(json: bool, value: &impl Serialize, text: impl FnOnce() -> String) -> Result<()> {
    if json { self::json(value) } else { line(&text()).map(drop) }
}

/// Prints the value as JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<()> {
    line(&serde_json::to_string_pretty(value)?).map(drop)
}

/// Sends the request and prints the response: its JSON unchanged if `json` is set, otherwise the text.
pub(crate) async fn response<T: DeserializeOwned>(
    json: bool,
    call: Call<T>,
    text: impl FnOnce(T) -> String,
) -> Result<()> {
    let response = call.response().await?;
    if json { self::json(&response.json()?) } else { line(&text(response.read()?)).map(drop) }
}

/// Prints a line. Returns false if the pipe is closed.
pub(crate) fn line(text: &str) -> Result<bool> {
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Formats a count with its noun, such as `1 error` or `2 errors`. `noun` is the singular.
pub(crate) fn counted<N: Display + PartialEq + From<u8>>(count: N, noun: &str) -> String {
    if count == N::from(1) {
        return format!("{count} {noun}");
    }
    match noun.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'o', 'u'])) {
        Some(stem) => format!("{count} {stem}ies"),
        None if noun.ends_with('s') => format!("{count} {noun}es"),
        None => format!("{count} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn only_one_is_in_the_singular() {
        assert_eq!([0, 1, 2].map(|count| counted(count, "error")), ["0 errors", "1 error", "2 errors"]);
        assert_eq!([1, 3].map(|count| counted(count, "retry")), ["1 retry", "3 retries"]);
        assert_eq!([1, 3].map(|count| counted(count, "day")), ["1 day", "3 days"]);
        assert_eq!([1, 3].map(|count| counted(count, "process")), ["1 process", "3 processes"]);
    }
}
