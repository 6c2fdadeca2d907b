//! E-mail with a download link, as a job of the send-email function.

use std::time::Duration;

use serde_json::{Map, Value};
use sigpost_jobs::payloads::SendEmail;
use sigpost_jobs::{EnqueueOptions, Invalid, JobContext};
use url::Url;

/// Data of send-email's template `fileReady`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileReady(Map<String, Value>);

impl FileReady {
    /// Creates a notice. `title` is a one-line description of the file. Lifetimes of less than an hour count as an hour.
    pub fn new(title: impl Into<String>, link: &Url, valid: Option<Duration>) -> Self {
        let mut data = Map::new();
        data.insert("title".into(), title.into().into());
        data.insert("downloadUrl".into(), link.as_str().into());
        if let Some(valid) = valid {
            data.insert("expiresInHours".into(), (valid.as_secs() / 3600).max(1).into());
        }
        Self(data)
    }

    /// Returns the job that e-mails the notice to this address.
    pub fn to(&self, address: &str) -> SendEmail {
        SendEmail::new("fileReady", vec![address.to_owned()], self.0.clone())
    }
}

/// Enqueues an e-mail for each recipient as a follow-up job of the run, once per message.
///
/// # Errors
///
/// An address or the title is invalid.
pub fn tell(ctx: &JobContext, recipients: &[String], file: &FileReady) -> Result<(), Invalid> {
    recipients.iter().try_for_each(|address| ctx.enqueue(&file.to(address), EnqueueOptions::default()).map(drop))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sigpost_jobs::Job;

    use super::*;

    #[test]
    fn email_says_how_long_the_link_is_good() {
        let link: Url = "https://a.example/x".parse().expect("a URL");
        let data = |valid| {
            let job = FileReady::new("Runs", &link, valid).to("ada@example.com");
            assert_eq!(job.validate(), Ok(()));
            Value::Object(job.data)
        };
        assert_eq!(data(None), json!({ "title": "Runs", "downloadUrl": "https://a.example/x" }));
        assert_eq!(data(Some(Duration::from_secs(43_200)))["expiresInHours"], 12);
        assert_eq!(data(Some(Duration::from_secs(60)))["expiresInHours"], 1);
    }
}
