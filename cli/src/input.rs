//! Arguments whose value may stand elsewhere.

use std::io::Read;

use anyhow::{Context, Result};

/// What an argument says: `-` is standard input, `@file` a file, anything else the text itself.
pub(crate) fn read(argument: &str, source: &str) -> Result<Vec<u8>> {
    if source == "-" {
        let mut input = Vec::new();
        std::io::stdin()
            .read_to_end(&mut input)
            .with_context(|| format!("{argument} -: standard input cannot be read"))?;
        return Ok(input);
    }
    match source.strip_prefix('@') {
        Some(file) => std::fs::read(file).with_context(|| format!("{argument} @{file}")),
        None => Ok(source.as_bytes().to_vec()),
    }
}
