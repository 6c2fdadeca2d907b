//! `fileReady`: download link of an export or report.

use sigpost_jobs::payloads::send_email::FileReady;

use crate::layout::{self, Content};
use crate::{Brand, Email};

/// Renders the e-mail.
pub(super) fn render(data: &FileReady, brand: &Brand) -> Email {
    let subject = format!("{} is ready", data.title);
    let good_for = match data.expires_in_hours {
        None => "Do not share the link: anyone who has it can read the file.".to_owned(),
        Some(1) => "The link expires in 1 hour. Anyone who has it can read the file.".to_owned(),
        Some(hours) => format!("The link expires in at most {hours} hours. Anyone who has it can read the file."),
    };
    let content = Content {
        heading: &subject,
        preview: "The file that you requested is ready to download.",
        recipient_name: data.recipient_name.as_deref(),
        paragraphs: &["The file that you requested is ready to download.", &good_for],
        details: &[],
        call_to_action: Some(("Download the file", &data.download_url)),
        support_email: data.support_email.as_deref(),
    };
    let (html, text) = layout::render(&content, brand);
    Email { template: "fileReady", tag: "file-ready", html, text, subject }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::rendered;
    use crate::Email;

    fn read(data: &Value) -> Result<Email, String> {
        rendered("fileReady", data)
    }

    #[test]
    fn email_names_the_file_its_link_and_its_expiry() {
        let data =
            json!({ "title": "Export of events", "downloadUrl": "https://a.example/f?a=1&b=2", "expiresInHours": 12 });
        let email = read(&data).expect("valid");
        assert_eq!((email.tag, email.subject.as_str()), ("file-ready", "Export of events is ready"));
        for part in ["Download the file: https://a.example/f?a=1&b=2", "The link expires in at most 12 hours"] {
            assert!(email.text.contains(part), "{part} is not in {}", email.text);
        }
        assert!(email.html.contains("href=\"https://a.example/f?a=1&amp;b=2\""), "{}", email.html);
    }

    #[test]
    fn link_may_lead_to_this_machine_and_not_into_a_program() {
        let with = |url: &str| read(&json!({ "title": "x", "downloadUrl": url }));
        assert!(with("file:///tmp/exports/x.csv").is_ok());
        assert!(with("javascript:alert(1)").expect_err("rejected").starts_with("data.downloadUrl: must be"));
        assert_eq!(read(&json!({ "downloadUrl": "https://a.example" })), Err("data.title: is required".into()));
    }
}
