//! In whose name e-mails are sent.

/// The same on every e-mail of a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brand {
    /// The product, as its users know it. Default `sigpost`.
    pub name: String,
    /// The last line of an e-mail. Default `The <name> Team`.
    pub signature: String,
    /// Where users may ask, unless the job says otherwise. Default: the line is left out.
    pub support_email: Option<String>,
}

impl Brand {
    /// A brand with the signature that goes with its name.
    pub fn named(name: impl Into<String>) -> Self {
        let name = name.into();
        Self { signature: format!("The {name} Team"), name, support_email: None }
    }
}

impl Default for Brand {
    fn default() -> Self {
        Self::named("sigpost")
    }
}
