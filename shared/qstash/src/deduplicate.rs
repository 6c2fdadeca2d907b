//! The keys by which duplicates are recognized.

use sha2::{Digest, Sha256};

use crate::{Headers, hex};

/// Returns the key of a message's content: destination, body and headers (`Content-Type` and forwarded ones; QStash
/// docs, "Deduplication"). `Upstash-*` headers, including telemetry, are not part of it.
///
/// It begins with `content:`, so it never equals an [`explicit_key`].
pub fn content_key(destination: &str, headers: &Headers, body: &[u8]) -> String {
    let mut hash = Sha256::new();
    // Each part is preceded by its length: otherwise, moving a byte from the end of one part to the start of the next
    // would keep the hash.
    part(&mut hash, destination.as_bytes());
    let headers = headers.map();
    count(&mut hash, headers.len());
    for (name, values) in &*headers {
        part(&mut hash, name.as_bytes());
        count(&mut hash, values.len());
        for value in values {
            part(&mut hash, value.as_bytes());
        }
    }
    part(&mut hash, body);
    hex::finish("content:", hash)
}

/// Returns the key of an `Upstash-Deduplication-Id`: the ID after `id:`.
pub fn explicit_key(id: &str) -> String {
    format!("id:{id}")
}

/// Returns the key of an `Upstash-Deduplication-Id` at one endpoint of a URL group. IDs contain no `:`, so it never
/// equals an [`explicit_key`].
pub fn endpoint_key(id: &str, destination: &str) -> String {
    let mut hash = Sha256::new();
    part(&mut hash, destination.as_bytes());
    hex::finish(&format!("id:{id}:"), hash)
}

fn part(hash: &mut Sha256, bytes: &[u8]) {
    count(hash, bytes.len());
    hash.update(bytes);
}

fn count(hash: &mut Sha256, count: usize) {
    hash.update((count as u64).to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::{content_key, endpoint_key, explicit_key};
    use crate::Headers;

    #[test]
    fn key_depends_on_every_part_and_only_on_the_content() {
        let key = |destination: &str, headers: &[(&str, &str)], body: &str| {
            let mut map = Headers::default();
            for (name, value) in headers {
                map.append(name, *value);
            }
            content_key(destination, &map, body.as_bytes())
        };
        let keys = [
            key("https://a.com", &[("content-type", "x")], "body"),
            key("https://b.com", &[("content-type", "x")], "body"),
            key("https://a.com", &[("content-type", "y")], "body"),
            key("https://a.com", &[], "body"),
            key("https://a.com", &[("content-type", "x"), ("a", "1")], "body"),
            key("https://a.com", &[("content-type", "x")], "body2"),
            key("https://a.com", &[("content-type", "x")], ""),
            // The same sequence of bytes, divided differently.
            key("https://a.comb", &[("content-type", "x")], "ody"),
            key("https://a.com", &[("content-type", "xbody")], ""),
            key("https://a.com", &[("a", "1"), ("a", "2")], ""),
            key("https://a.com", &[("a", "12")], ""),
        ];
        for (index, left) in keys.iter().enumerate() {
            for right in &keys[index + 1..] {
                assert_ne!(left, right);
            }
        }
        assert_eq!(keys[0], key("https://a.com", &[("Content-Type", "x")], "body"));
    }

    #[test]
    fn an_id_has_a_key_for_each_endpoint_that_is_no_id() {
        let keys = [
            endpoint_key("a", "https://a.com"),
            endpoint_key("a", "https://b.com"),
            endpoint_key("b", "https://a.com"),
        ];
        assert!(keys[0] != keys[1] && keys[0] != keys[2] && keys[1] != keys[2]);
        assert!(keys[0].starts_with("id:a:") && keys[0].len() == 5 + 64);
    }

    #[test]
    fn explicit_and_content_keys_never_meet() {
        let content = content_key("https://a.com", &Headers::default(), b"");
        assert!(content.starts_with("content:") && content.len() == 8 + 64);
        assert!(explicit_key(&content).starts_with("id:"));
    }
}
