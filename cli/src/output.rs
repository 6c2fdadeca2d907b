//! Data goes to stdout: as lines for people, or as JSON for scripts.

use anyhow::Result;
use serde::Serialize;

/// Prints the value as JSON when asked to, else the text.
pub(crate) fn print(json: bool, value: &impl Serialize, text: impl FnOnce() -> String) -> Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(value)?);
    } else {
        println!("{}", text());
    }
    Ok(())
}
