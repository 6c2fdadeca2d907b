//! Random text for passwords and unique names.

use std::{fs::File, io::Read};

use crate::error::{Doing, Error};

/// `N` random bytes in hexadecimal, so that the text is safe in a URL, a path and SQL.
pub(crate) fn hex<const N: usize>() -> Result<String, Error> {
    let mut bytes = [0; N];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .doing(|| "read /dev/urandom".to_owned())?;
    Ok(to_hex(&bytes))
}

/// Bytes in lower-case hexadecimal.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
