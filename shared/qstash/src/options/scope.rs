//! A scope: the parameters of one message, selected by prefix.

use super::parameters;
use crate::{Invalid, Params, canonical_name};

/// The parameters of the message itself (prefix empty) or of one of its callbacks (`callback-`,
/// `failure-callback-`), under the names they have without the prefix.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) params: &'a Params,
    pub(crate) prefix: &'static str,
}

impl<'a> Scope<'a> {
    /// Returns the trimmed value; `None` if it is absent or blank, which Go, and so QStash, does not distinguish.
    pub(super) fn get(self, name: &str) -> Option<&'a str> {
        debug_assert!(parameters::exists(name), "{name} is missing in options/parameters.rs");
        self.iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.trim_ascii())
            .filter(|value| !value.is_empty())
    }

    /// Parses a given value; `read` receives the name for its error and the text.
    pub(crate) fn read<T>(
        self,
        name: &str,
        read: impl FnOnce(&str, &'a str) -> Result<T, Invalid>,
    ) -> Result<Option<T>, Invalid> {
        self.get(name).map(|text| read(&self.field(name), text)).transpose()
    }

    /// Rejects a given value.
    pub(crate) fn reject(self, name: &str, reason: &str) -> Result<(), Invalid> {
        match self.get(name) {
            Some(_) => Err(Invalid::new(self.field(name), reason)),
            None => Ok(()),
        }
    }

    /// Returns every parameter of this scope, untrimmed.
    pub(super) fn iter(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.params.iter().filter_map(move |(name, value)| {
            // This branch matters: the code runs a dozen times for each message, nearly always without a prefix.
            let name = if self.prefix.is_empty() { name } else { name.strip_prefix(self.prefix)? };
            Some((name, value))
        })
    }

    /// Returns the header's name as callers write it, for an error.
    pub(crate) fn field(self, name: &str) -> String {
        canonical_name(&format!("upstash-{}{name}", self.prefix))
    }
}
