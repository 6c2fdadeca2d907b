//! Query parameters as endpoints declare them: for the check of names, and for the API's document.

pub(crate) use sigpost_qstash::options::parameters::Kind;

/// A parameter that an endpoint knows.
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// Whether it may come more than once, and as a list with commas.
    pub(crate) many: bool,
    pub(crate) about: &'static str,
    /// QStash does not have it.
    pub(crate) is_extension: bool,
}

impl Parameter {
    pub(crate) const fn one(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self { name, kind, many: false, about, is_extension: false }
    }

    pub(crate) const fn many(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self { many: true, ..Self::one(name, kind, about) }
    }

    pub(crate) const fn extension(self) -> Self {
        Self { is_extension: true, ..self }
    }
}

/// The names of several lists.
pub(crate) fn names(lists: &[&'static [Parameter]]) -> impl Iterator<Item = &'static str> {
    lists.iter().copied().flatten().map(|parameter| parameter.name)
}
