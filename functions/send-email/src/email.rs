//! An e-mail, rendered.

/// Everything about an e-mail but who gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Email {
    /// The template it was made from, as jobs call it.
    pub(crate) template: &'static str,
    /// The template as Resend's statistics call it.
    pub(crate) tag: &'static str,
    pub(crate) subject: String,
    pub(crate) html: String,
    /// The same in plain text, with nothing encoded.
    pub(crate) text: String,
}
