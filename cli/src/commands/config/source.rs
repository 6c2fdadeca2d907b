//! Where a setting's value comes from.

use serde::Serialize;
use sigpost_runtime::env;

use super::settings::Setting;

/// What is shown of a setting.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Value {
    /// Its value; of a secret how long it is. `None` if there is none.
    pub(super) value: Option<String>,
    /// `environment`, `default`, `unset`, or the reference that is kept in the environment.
    pub(super) source: String,
}

/// The setting's value in this process's environment.
pub(super) fn value(setting: &Setting) -> Value {
    // What is not UTF-8 is a problem of its own.
    shown(setting, env::given(setting.name).unwrap_or_default(), env::resolved)
}

fn shown(setting: &Setting, given: Option<String>, resolved: impl FnOnce(String) -> String) -> Value {
    let Some(given) = given else {
        let value = (setting.default)();
        let source = if value.is_some() { "default" } else { "unset" };
        return Value { value, source: source.into() };
    };
    let value = resolved(given.clone()).trim().to_owned();
    let is_reference = ["ssm:", "secretsmanager:"].iter().any(|scheme| given.starts_with(scheme));
    // What is kept elsewhere may be meant to be secret, whatever it is.
    let hidden = setting.is_secret || is_reference;
    let source = if is_reference { given } else { "environment".into() };
    let value = if hidden { format!("set ({} characters)", value.chars().count()) } else { value };
    Value { value: Some(value), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_shown_by_their_length_and_references_by_their_name() {
        let plain = Setting { name: "A", default: || Some("7".into()), is_secret: false };
        let secret = Setting { name: "B", default: || None, is_secret: true };
        let shown = |setting, given: Option<&str>| {
            let Value { value, source } = shown(setting, given.map(str::to_owned), |given| match given.as_str() {
                "ssm:/a" => "s3cret".into(),
                _ => given,
            });
            (value.unwrap_or_default(), source)
        };
        assert_eq!(shown(&plain, None), ("7".into(), "default".into()));
        assert_eq!(shown(&plain, Some("9")), ("9".into(), "environment".into()));
        assert_eq!(shown(&plain, Some("ssm:/a")), ("set (6 characters)".into(), "ssm:/a".into()));
        assert_eq!(shown(&secret, None), (String::new(), "unset".into()));
        assert_eq!(shown(&secret, Some("abc")), ("set (3 characters)".into(), "environment".into()));
    }
}
