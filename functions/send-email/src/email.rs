//! An e-mail, rendered.

/// Everything about an e-mail but who gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    /// The template it was made from, as jobs call it.
    pub template: &'static str,
    /// The template as Resend's statistics call it.
    pub tag: &'static str,
    /// One line.
    pub subject: String,
    /// A whole document.
    pub html: String,
    /// The same in plain text, with nothing encoded.
    pub text: String,
}
