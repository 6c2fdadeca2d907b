//! Base58 of 16 bytes, in Bitcoin's alphabet: the text of ids.
//!
//! Every delivery prints two IDs. `bs58` encodes inputs of any length, digit by digit over all bytes; a number of 128
//! bits needs only two divisions.

use std::ops::Deref;

const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
/// The maximum number of characters for 16 bytes.
pub(crate) const MAX_LENGTH: usize = 22;
/// Digits of a 64-bit number, plus one.
const DIGITS: usize = 10;
const CHUNK: u128 = 58_u128.pow(DIGITS as u32);

/// The base58 text of 16 bytes.
pub(crate) struct Base58 {
    characters: [u8; MAX_LENGTH],
    start: usize,
}

/// Encodes 16 bytes.
pub(crate) fn encode(bytes: [u8; 16]) -> Base58 {
    // As many leading zeros as zero bytes, then the number without leading zeros.
    let mut text = Base58 { characters: [ALPHABET[0]; MAX_LENGTH], start: MAX_LENGTH };
    let number = u128::from_be_bytes(bytes);
    let (high, low) = (number / CHUNK, number % CHUNK);
    for (chunk, end) in
        [(low, MAX_LENGTH), (high % CHUNK, MAX_LENGTH - DIGITS), (high / CHUNK, MAX_LENGTH - 2 * DIGITS)]
    {
        text.write(chunk as u64, end);
    }
    text.start -= bytes.iter().take_while(|byte| **byte == 0).count();
    text
}

impl Base58 {
    /// Writes the digits of a number that end at this position.
    fn write(&mut self, mut number: u64, end: usize) {
        let mut position = end;
        while number > 0 {
            position -= 1;
            self.characters[position] = ALPHABET[(number % 58) as usize];
            number /= 58;
            self.start = position;
        }
    }
}

impl Deref for Base58 {
    type Target = str;

    fn deref(&self) -> &str {
        // The bytes are from the alphabet, so the default is never used.
        std::str::from_utf8(&self.characters[self.start..]).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_those_of_bs58() {
        let mut numbers = vec![0, 1, 57, 58, u128::MAX, CHUNK - 1, CHUNK, CHUNK + 1, CHUNK * CHUNK - 1, CHUNK * CHUNK];
        numbers.extend((0..128).map(|shift| u128::MAX >> shift));
        numbers.extend((0..1000).map(|_| rand::random::<u128>()));
        for number in numbers {
            let bytes = number.to_be_bytes();
            assert_eq!(&*encode(bytes), bs58::encode(bytes).into_string(), "{number}");
        }
    }
}
