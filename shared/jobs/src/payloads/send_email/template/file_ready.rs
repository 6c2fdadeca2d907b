//! `fileReady`: download link of an export or report.

use serde_json::{Value, json};
use url::Url;

use super::{EmailData, Template};
use crate::Invalid;
use crate::payloads::send_email::fields::Fields;

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
    read: |fields| Ok(EmailData::FileReady(FileReady::read(fields)?)),
};

/// Data of the template `fileReady`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileReady {
    /// What the file contains, one line.
    pub title: String,
    /// Link to the file.
    pub download_url: Url,
    /// Lifetime of the link.
    pub expires_in_hours: Option<u32>,
    /// Name in the greeting.
    pub recipient_name: Option<String>,
    /// Overrides the brand's support address.
    pub support_email: Option<String>,
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
}
