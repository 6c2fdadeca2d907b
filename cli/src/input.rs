//! Arguments whose value can come from a file or standard input.

use std::io::Read;

use anyhow::{Context, Result};

/// Reads the value of an argument: `-` is standard input, `@file` is a file, anything else is the value itself.
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
