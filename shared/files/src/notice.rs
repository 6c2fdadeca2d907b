//! E-mail with a download link, as a job of the send-email function.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sigpost_jobs::{EnqueueOptions, Invalid, Job, JobContext};
use url::Url;

/// Maximum number of recipients.
const MAX_RECIPIENTS: usize = 50;

/// Data of send-email's template `fileReady`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileReady {
    template: String,
    to: String,
    data: Data,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    title: String,
    download_url: Url,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in_hours: Option<u64>,
}

impl FileReady {
    /// Creates a notice. `title` is a one-line description of the file. Lifetimes of less than an hour count as an hour.
    pub fn new(title: impl Into<String>, link: Url, valid: Option<Duration>) -> Self {
        let expires_in_hours = valid.map(|valid| (valid.as_secs() / 3600).max(1));
        let data = Data { title: title.into(), download_url: link, expires_in_hours };
        Self { template: "fileReady".into(), to: String::new(), data }
    }
}

/// Constants of the send-email function. A test compares them.
impl Job for FileReady {
    const TYPE: &'static str = "send-email";
    const ENDPOINT: &'static str = "/api/jobs/email";
}

/// Validates a list of addresses superficially; send-email validates them fully.
///
/// # Errors
///
/// An address is invalid. The error names the first one by its index and does not contain it.
pub fn check_recipients(field: &str, recipients: &[String]) -> Result<(), Invalid> {
    if recipients.len() > MAX_RECIPIENTS {
        return Err(Invalid::new(field, format!("must be at most {MAX_RECIPIENTS} addresses")));
    }
    let is_address = |text: &str| {
        let parts = text.split_once('@').filter(|(local, domain)| !local.is_empty() && domain.contains('.'));
        parts.is_some()
            && text.len() <= 254
            && text.bytes().all(|byte| byte.is_ascii_graphic() && !b",;<>\"".contains(&byte))
    };
    match recipients.iter().position(|text| !is_address(text)) {
        None => Ok(()),
        Some(index) => Err(Invalid::new(format!("{field}[{index}]"), "is not an e-mail address")),
    }
}

/// Enqueues an e-mail for each recipient as a follow-up job of the run, once per message.
///
/// # Errors
///
/// send-email rejects an address.
pub fn tell(ctx: &JobContext, recipients: &[String], file: &FileReady) -> Result<(), Invalid> {
    recipients.iter().try_for_each(|to| {
        let job = FileReady { to: to.clone(), ..file.clone() };
        ctx.enqueue(&job, EnqueueOptions::default()).map(drop)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn recipients_are_named_by_their_number() {
        let checked = |recipients: &[&str]| {
            let recipients: Vec<String> = recipients.iter().map(|text| (*text).to_owned()).collect();
            check_recipients("recipients", &recipients).map_err(|invalid| invalid.to_string())
        };
        assert_eq!(checked(&[]), Ok(()));
        assert_eq!(checked(&["ada@example.com", "b.o+b@a.b.example"]), Ok(()));
        for wrong in ["ada", "@example.com", "ada@example", "a@b.example,c@d.example", "a@b.example\r\nBcc: x", ""] {
            assert_eq!(checked(&["ada@example.com", wrong]), Err("recipients[1]: is not an e-mail address".into()));
        }
        assert_eq!(checked(&["a@b.example"; 51]), Err("recipients: must be at most 50 addresses".into()));
    }

    #[test]
    fn email_says_how_long_the_link_is_good() {
        let link: Url = "https://a.example/x".parse().expect("a URL");
        let data =
            |valid| serde_json::to_value(FileReady::new("Runs", link.clone(), valid)).expect("JSON")["data"].take();
        assert_eq!(data(None), json!({ "title": "Runs", "downloadUrl": "https://a.example/x" }));
        assert_eq!(data(Some(Duration::from_secs(43_200)))["expiresInHours"], 12);
        assert_eq!(data(Some(Duration::from_secs(60)))["expiresInHours"], 1);
    }
}
