//! Query parameters of the reading endpoints: repeated or comma-separated, checked by name.

use std::borrow::Cow;
use std::str::FromStr;

use sigpost_qstash::Invalid;
use sigpost_qstash::names::TOKEN_PARAMETER;

/// The decoded pairs of a query string.
pub(crate) fn pairs(query: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    url::form_urlencoded::parse(query.as_bytes())
}

/// A query string by name.
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Empty values count as absent: some clients send every parameter they know.
    pub(crate) fn parse(query: Option<&str>) -> Self {
        Self(
            pairs(query.unwrap_or_default())
                .filter(|(_, value)| !value.is_empty())
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
        )
    }

    /// Refuses what the endpoint does not know: a filter with a typo would match everything.
    pub(crate) fn allow_only(self, known: &[&str]) -> Result<Self, Invalid> {
        match self.0.iter().find(|(name, _)| !known.contains(&name.as_str()) && name != TOKEN_PARAMETER) {
            Some((name, _)) => {
                Err(Invalid::new(name.as_str(), format!("unknown parameter; this endpoint knows {}", known.join(", "))))
            }
            None => Ok(self),
        }
    }

    /// The values of a parameter as they were given.
    pub(crate) fn exact(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(given, _)| given == name).map(|(_, value)| value.clone()).collect()
    }

    /// The values of a parameter, split at commas.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        self.exact(name).iter().flat_map(|value| sigpost_runtime::env::split(value)).collect()
    }

    /// Every value of a list, parsed.
    pub(crate) fn parsed_list<T: FromStr>(&self, name: &str, what: &str) -> Result<Vec<T>, Invalid> {
        self.list(name).iter().map(|value| parse(name, value, what)).collect()
    }

    /// The parameter's first value, parsed.
    pub(crate) fn parsed<T: FromStr>(&self, name: &str, what: &str) -> Result<Option<T>, Invalid> {
        self.0.iter().find(|(given, _)| given == name).map(|(_, value)| parse(name, value, what)).transpose()
    }

    /// A page size: the default when absent, refused outside `1..=most`.
    pub(crate) fn count(&self, default: i64, most: i64) -> Result<i64, Invalid> {
        match self.parsed("count", "a number")? {
            None => Ok(default),
            Some(count) if (1..=most).contains(&count) => Ok(count),
            Some(_) => Err(Invalid::new("count", format!("must be between 1 and {most}"))),
        }
    }
}

/// Cuts rows to a page. One more than the page was read: whether it came tells that there is a next page.
pub(crate) fn cut_to_page<T>(rows: &mut Vec<T>, count: i64) -> bool {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let more = rows.len() > count;
    rows.truncate(count);
    more
}

fn parse<T: FromStr>(name: &str, value: &str, what: &str) -> Result<T, Invalid> {
    value.parse().map_err(|_| Invalid::new(name, format!("{value:?} is not {what}")))
}
