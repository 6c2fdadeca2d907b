//! Attachments of an e-mail.

use crate::Invalid;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// Maximum number of files per e-mail.
const MAX_FILES: usize = 20;
/// Maximum total size of the files in bytes. In base64 it fits into a message (10 MB) together with the other fields.
const MAX_BYTES: usize = 5_000_000;
/// Maximum length of a file name and of a content type in bytes.
const MAX_NAME_BYTES: usize = 255;

/// File attached to an e-mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Attachment {
    /// File name: 1 to 255 bytes, without a path.
    pub filename: String,
    /// Content in base64 (RFC 4648, section 4).
    pub content: String,
    /// Content type, for example `application/pdf`. Default: derived from the file name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
}

impl Attachment {
    /// Decodes the content. Returns `None` if it is not base64.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        STANDARD.decode(&self.content).ok()
    }
}

/// Checks all files of an e-mail. The error names the file by its index.
pub(super) fn check(files: &[Attachment]) -> Result<(), Invalid> {
    if files.len() > MAX_FILES {
        return Err(Invalid::new("attachments", format!("must be at most {MAX_FILES} files")));
    }
    let mut bytes = 0;
    for (index, file) in files.iter().enumerate() {
        let field = |name: &str| format!("attachments[{index}].{name}");
        if !is_name(&file.filename) {
            return Err(Invalid::new(
                field("filename"),
                "must be 1 to 255 bytes without slashes and control characters",
            ));
        }
        if file.content_type.as_deref().is_some_and(|text| !is_content_type(text)) {
            return Err(Invalid::new(field("contentType"), "must be a media type such as application/pdf"));
        }
        match file.bytes() {
            None => return Err(Invalid::new(field("content"), "is not base64")),
            Some(content) if content.is_empty() => return Err(Invalid::new(field("content"), "must not be empty")),
            Some(content) => bytes += content.len(),
        }
    }
    if bytes > MAX_BYTES {
        return Err(Invalid::new("attachments", format!("must be at most {MAX_BYTES} bytes together")));
    }
    Ok(())
}

fn is_name(text: &str) -> bool {
    (1..=MAX_NAME_BYTES).contains(&text.len()) && !text.chars().any(|c| c.is_control() || c == '/' || c == '\\')
}

/// Whether the text is a type and subtype (RFC 2045, section 5.1), with or without parameters.
fn is_content_type(text: &str) -> bool {
    let (main, parameters) = text.split_once(';').unwrap_or((text, ""));
    let is_token =
        |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b));
    text.len() <= MAX_NAME_BYTES
        && main.split_once('/').is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype))
        && parameters.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(filename: &str, content: &[u8], content_type: Option<&str>) -> Attachment {
        let content_type = content_type.map(str::to_owned);
        Attachment { filename: filename.into(), content: STANDARD.encode(content), content_type }
    }

    fn checked(files: &[Attachment]) -> Result<(), String> {
        check(files).map_err(|invalid| invalid.to_string())
    }

    #[test]
    fn files_together_have_a_bound() {
        let half = file("a.pdf", &vec![0; MAX_BYTES / 2], Some("application/pdf"));
        assert_eq!(checked(&[half.clone(), half.clone()]), Ok(()));
        let more = file("b.txt", b"x", Some("text/plain; charset=utf-8"));
        assert_eq!(
            checked(&[half.clone(), half, more.clone()]),
            Err("attachments: must be at most 5000000 bytes together".into())
        );
        assert_eq!(checked(&vec![more; 21]), Err("attachments: must be at most 20 files".into()));
    }

    #[test]
    fn error_names_the_file_and_its_field() {
        let good = || file("a.txt", b"x", None);
        for (bad, error) in [
            (file("", b"x", None), "filename: must be 1 to 255 bytes"),
            (file("../a.txt", b"x", None), "filename: must be 1 to 255 bytes"),
            (file("a\r\nb.txt", b"x", None), "filename: must be 1 to 255 bytes"),
            (file("a.txt", b"x", Some("pdf")), "contentType: must be a media type"),
            (file("a.txt", b"x", Some("text/plain\r\nBcc: a")), "contentType: must be a media type"),
            (file("a.txt", b"", None), "content: must not be empty"),
            (Attachment { content: "%".into(), ..good() }, "content: is not base64"),
        ] {
            let said = checked(&[good(), bad]).expect_err(error);
            assert!(said.starts_with(&format!("attachments[1].{error}")), "{said}");
        }
    }
}
