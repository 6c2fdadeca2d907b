//! A rendered e-mail.

/// A rendered e-mail without its recipients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    /// Name of the template in jobs.
    pub template: &'static str,
    /// Name of the template in Resend's statistics.
    pub tag: &'static str,
    /// Subject, a single line.
    pub subject: String,
    /// HTML document.
    pub html: String,
    /// Plain-text version.
    pub text: String,
}
