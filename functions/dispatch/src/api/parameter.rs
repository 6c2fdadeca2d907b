//! Declared query parameters of endpoints, for validation and for the OpenAPI document.

pub(crate) use sigpost_qstash::options::parameters::Kind;

/// A parameter that an endpoint accepts.
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// Whether it can be repeated and comma-separated.
    pub(crate) many: bool,
    pub(crate) about: &'static str,
    /// Whether QStash lacks this parameter.
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

/// Returns the names of the parameters.
pub(crate) fn names(lists: &[&'static [Parameter]]) -> impl Iterator<Item = &'static str> {
    lists.iter().copied().flatten().map(|parameter| parameter.name)
}
