//! `fileReady`: download link of an export or report.

use serde_json::{Value, json};
use sigpost_jobs::Invalid;
use url::Url;

use super::Template;
use crate::fields::Fields;
use crate::layout::{Content, render};
use crate::{Brand, Email};

pub(super) const TEMPLATE: Template = Template {
    name: "fileReady",
    about: "to recipients of an export or a report: download link",
    optional: &["expiresInHours", "recipientName", "supportEmail"],
    sample: || {
        json!({
            "title": "Export of events",
            "downloadUrl": "https://files.acme.example/exports/events.csv",
            "expiresInHours": 12,
            "recipientName": "Ada",
            "supportEmail": "help@acme.example",
        })
    },
    render: |fields, brand| Ok(FileReady::read(fields)?.render(brand)),
};

/// Data of the template.
#[derive(Clone, Debug, PartialEq)]
struct FileReady {
    title: String,
    download_url: Url,
    expires_in_hours: Option<u32>,
    recipient_name: Option<String>,
    support_email: Option<String>,
}

impl FileReady {
    fn read(fields: &Fields<'_>) -> Result<Self, Invalid> {
        let title = fields.required("title", Fields::text)?;
        let expires = fields.0.get("expiresInHours").is_some_and(|hours: &Value| !hours.is_null());
        Ok(Self {
            title,
            download_url: fields.file_url("downloadUrl")?,
            expires_in_hours: if expires { Some(fields.count("expiresInHours")?) } else { None },
            recipient_name: fields.text("recipientName")?,
            support_email: fields.address("supportEmail")?,
        })
    }

    fn render(&self, brand: &Brand) -> Email {
        let subject = format!("{} is ready", self.title);
        let good_for = match self.expires_in_hours {
            None => "Do not share the link: anyone who has it can read the file.".to_owned(),
            Some(1) => "The link expires in 1 hour. Anyone who has it can read the file.".to_owned(),
            Some(hours) => format!("The link expires in at most {hours} hours. Anyone who has it can read the file."),
        };
        let content = Content {
            heading: &subject,
            preview: "The file that you requested is ready to download.",
            recipient_name: self.recipient_name.as_deref(),
            paragraphs: &["The file that you requested is ready to download.", &good_for],
            details: &[],
            call_to_action: Some(("Download the file", &self.download_url)),
            support_email: self.support_email.as_deref(),
        };
        let (html, text) = render(&content, brand);
        Email { template: TEMPLATE.name, tag: "file-ready", html, text, subject }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(data: &Value) -> Result<FileReady, String> {
        FileReady::read(&Fields(data.as_object().expect("an object"))).map_err(|invalid| invalid.to_string())
    }

    #[test]
    fn email_names_the_file_its_link_and_its_expiry() {
        let data =
            json!({ "title": "Export of events", "downloadUrl": "https://a.example/f?a=1&b=2", "expiresInHours": 12 });
        let email = read(&data).expect("valid").render(&Brand::named("Acme"));
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
        assert!(with("javascript:alert(1)").expect_err("refused").starts_with("data.downloadUrl: must be"));
        assert_eq!(read(&json!({ "downloadUrl": "https://a.example" })), Err("data.title: is required".into()));
    }
}
