//! Hashes as text.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// Returns `prefix` and the finished hash in lower-case hexadecimal digits.
pub(crate) fn finish(prefix: &str, hash: Sha256) -> String {
    let digest = hash.finalize();
    let mut text = String::with_capacity(prefix.len() + 2 * digest.len());
    text.push_str(prefix);
    for byte in digest {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
