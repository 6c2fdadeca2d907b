//! Query parameters of lists and bulk requests: repeated or comma-separated, with validated names. Bulk requests also
//! accept them in a JSON body.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::str::FromStr;

use serde_json::Value;
use sigpost_qstash::names::{PREFIX, TOKEN_PARAMETER};
use sigpost_qstash::{Invalid, json};
use sigpost_runtime::env::split;

use crate::api::parameter::{Parameter, names};

/// Maximum number of IDs in a bulk request.
const MAX_IDS: usize = 10_000;

/// Returns the decoded pairs of a query string.
pub(crate) fn pairs(query: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    url::form_urlencoded::parse(query.as_bytes())
}

/// Parameters by name. An empty value counts as absent, because some clients send all parameters.
#[derive(Debug, Default)]
pub(crate) struct Query {
    values: Vec<(String, String)>,
    /// The names of parameters without a value.
    empty: BTreeSet<String>,
}

impl Query {
    pub(crate) fn parse(query: Option<&str>) -> Result<Self, Invalid> {
        let mut parsed = Self::default();
        for (name, value) in pairs(query.unwrap_or_default()) {
            parsed.push(name.into_owned(), value.into_owned())?;
        }
        Ok(parsed)
    }

    /// Parses the parameters of a bulk request from its query and its body. A parameter in both must have the same
    /// values.
    pub(crate) fn parse_bulk(query: Option<&str>, body: &[u8]) -> Result<Self, Invalid> {
        let mut parsed = Self::parse(query)?;
        let of_body = Self::parse_body(body)?;
        let names: BTreeSet<&String> = of_body.values.iter().map(|(name, _)| name).chain(&of_body.empty).collect();
        for name in names {
            let values = |query: &Self| query.list(name).into_iter().collect::<BTreeSet<_>>();
            if parsed.has(name) && values(&parsed) != values(&of_body) {
                return Err(Invalid::new(name, "differs between query and body; set it in only one of them"));
            }
        }
        let of_body_alone = of_body.values.into_iter().filter(|(name, _)| !parsed.has(name));
        let of_body_alone: Vec<_> = of_body_alone.collect();
        parsed.values.extend(of_body_alone);
        parsed.empty.extend(of_body.empty);
        Ok(parsed)
    }

    /// Rejects `null`, which would match everything instead of nothing.
    fn parse_body(body: &[u8]) -> Result<Self, Invalid> {
        let mut parsed = Self::default();
        if body.trim_ascii().is_empty() {
            return Ok(parsed);
        }
        let fields: serde_json::Map<String, Value> = json::parse("a JSON object", body)?;
        for (name, value) in fields {
            let values = match value {
                Value::Null => {
                    let reason = "must not be null; omit it to filter by other parameters";
                    return Err(Invalid::new(name, reason).in_body());
                }
                Value::Array(values) => values,
                value => vec![value],
            };
            if values.is_empty() {
                parsed.empty.insert(name.clone());
            }
            for value in values {
                match value {
                    Value::String(text) => parsed.push(name.clone(), text)?,
                    Value::Number(number) => parsed.push(name.clone(), number.to_string())?,
                    _ => return Err(Invalid::new(name, "must be a string, a number, or a list of these").in_body()),
                }
            }
        }
        Ok(parsed)
    }

    /// Adds a parameter. Rejects values that no stored text can have: zero bytes, which PostgreSQL does not support, and
    /// invalid UTF-8.
    fn push(&mut self, name: String, value: String) -> Result<(), Invalid> {
        if value.contains(['\0', char::REPLACEMENT_CHARACTER]) {
            return Err(Invalid::new(name, "must be UTF-8 text without a zero byte"));
        }
        if split(&value).is_empty() {
            self.empty.insert(name);
        } else {
            self.values.push((name, value));
        }
        Ok(())
    }

    /// Whether the request has no parameters, including empty ones.
    pub(crate) fn is_empty(&self) -> bool {
        self.values.iter().map(|(name, _)| name).chain(&self.empty).all(|name| name == TOKEN_PARAMETER)
    }

    fn has(&self, name: &str) -> bool {
        self.values.iter().any(|(given, _)| given == name)
    }

    /// Rejects unknown parameters: a filter with a typo would match everything.
    pub(crate) fn allow_only(self, known: &[&'static [Parameter]]) -> Result<Self, Invalid> {
        let is_known = |name: &String| name == TOKEN_PARAMETER || names(known).any(|known| known == name);
        match self.values.iter().map(|(name, _)| name).chain(&self.empty).find(|name| !is_known(name)) {
            Some(name) => {
                let known: Vec<_> = names(known).collect();
                Err(Invalid::new(
                    name.as_str(),
                    format!("unknown parameter; this endpoint accepts {}", known.join(", ")),
                ))
            }
            None => Ok(self),
        }
    }

    /// Rejects these parameters without a value, which would match everything.
    pub(crate) fn reject_empty(self, choosing: &[&'static [Parameter]]) -> Result<Self, Invalid> {
        let chooses = |name: &String| names(choosing).any(|choosing| choosing == name);
        match self.empty.iter().find(|name| chooses(name) && !self.has(name)) {
            Some(name) => Err(Invalid::new(name.as_str(), "must not be empty; omit it to filter by other parameters")),
            None => Ok(self),
        }
    }

    /// Removes the `upstash-` options of a publish.
    pub(crate) fn without_options(mut self) -> Self {
        let is_option = |name: &str| name.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX));
        self.values.retain(|(name, _)| !is_option(name));
        self.empty.retain(|name| !is_option(name));
        self
    }

    /// Returns the values of a parameter unchanged.
    pub(crate) fn exact(&self, name: &str) -> Vec<String> {
        self.values.iter().filter(|(given, _)| given == name).map(|(_, value)| value.clone()).collect()
    }

    /// Returns the values of a parameter, split at commas.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        self.exact(name).iter().flat_map(|value| split(value)).collect()
    }

    /// Parses the values of a list.
    pub(crate) fn parsed_list<T: FromStr>(&self, name: &str, what: &str) -> Result<Vec<T>, Invalid> {
        self.list(name).iter().map(|value| parse(name, value, what)).collect()
    }

    /// Returns the IDs of a bulk request, or `None` if the parameter is absent. A parameter without a value is an empty
    /// list. Malformed IDs are skipped, as IDs that do not exist.
    pub(crate) fn ids<T: FromStr>(&self, name: &str) -> Result<Option<Vec<T>>, Invalid> {
        let ids = self.list(name);
        if ids.len() > MAX_IDS {
            let reason = format!("must not be more than {MAX_IDS} ids, got {}", ids.len());
            return Err(Invalid::new(name, reason));
        }
        let given = !ids.is_empty() || self.empty.contains(name);
        Ok(given.then(|| ids.iter().filter_map(|id| id.parse().ok()).collect()))
    }

    /// Parses the first value of a parameter.
    pub(crate) fn parsed<T: FromStr>(&self, name: &str, what: &str) -> Result<Option<T>, Invalid> {
        self.values.iter().find(|(given, _)| given == name).map(|(_, value)| parse(name, value, what)).transpose()
    }

    /// Parses a boolean, ignoring case: Python sends `True`.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, Invalid> {
        let parse = |text: String| {
            text.to_ascii_lowercase().parse().map_err(|_| Invalid::got(name, "must be true or false", text))
        };
        self.exact(name).into_iter().next().map(parse).transpose()
    }

    /// Parses `count`, which must be in `1..=most`.
    pub(crate) fn count(&self, most: i64) -> Result<Option<i64>, Invalid> {
        match self.parsed("count", "a number")? {
            Some(count) if !(1..=most).contains(&count) => {
                Err(Invalid::got("count", format!("must be between 1 and {most}"), count))
            }
            count => Ok(count),
        }
    }
}

/// Truncates rows to a page, and returns whether there is a next page. The query reads one row more than the page.
pub(crate) fn cut_to_page<T>(rows: &mut Vec<T>, count: i64) -> bool {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let more = rows.len() > count;
    rows.truncate(count);
    more
}

fn parse<T: FromStr>(name: &str, value: &str, what: &str) -> Result<T, Invalid> {
    value.parse().map_err(|_| Invalid::got(name, format!("must be {what}"), value))
}
