//! Value and source of a setting.

use serde::Serialize;
use sigpost_runtime::env;
use sigpost_runtime::settings::Setting;

/// Displayed value and source of a setting.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Value {
    /// The value, or the length of a secret. `None` if the setting is unset and has no default.
    pub(super) value: Option<String>,
    /// `environment`, `default`, `unset`, or the reference to AWS in the environment.
    pub(super) source: String,
}

/// Reads the value of a setting from the environment of this process.
pub(super) fn value(setting: Setting) -> Value {
    // A value that is not UTF-8 is reported as a problem elsewhere.
    shown(setting, env::given(setting).unwrap_or_default(), env::resolved)
}

fn shown(setting: Setting, given: Option<String>, resolved: impl FnOnce(String) -> String) -> Value {
    let Some(given) = given else {
        let value = setting.default.map(str::to_owned);
        let source = if value.is_some() { "default" } else { "unset" };
        return Value { value, source: source.into() };
    };
    let value = resolved(given.clone()).trim().to_owned();
    let is_reference = ["ssm:", "secretsmanager:"].iter().any(|scheme| given.starts_with(scheme));
    // A referenced value can be secret, whatever the setting.
    let hidden = setting.is_secret || is_reference;
    let source = if is_reference { given } else { "environment".into() };
    let value = if hidden { format!("set ({} characters)", value.chars().count()) } else { value };
    Value { value: Some(value), source }
}

#[cfg(test)]
mod tests {
    use sigpost_runtime::settings;

    use super::*;

    #[test]
    fn secrets_are_shown_by_their_length_and_references_by_their_name() {
        let (plain, secret) = (settings::MAX_DISPATCHERS, settings::ADMIN_TOKEN);
        let shown = |setting, given: Option<&str>| {
            let Value { value, source } = shown(setting, given.map(str::to_owned), |given| match given.as_str() {
                "ssm:/a" => "s3cret".into(),
                _ => given,
            });
            (value.unwrap_or_default(), source)
        };
        assert_eq!(shown(plain, None), ("4".into(), "default".into()));
        assert_eq!(shown(plain, Some("9")), ("9".into(), "environment".into()));
        assert_eq!(shown(plain, Some("ssm:/a")), ("set (6 characters)".into(), "ssm:/a".into()));
        assert_eq!(shown(secret, None), (String::new(), "unset".into()));
        assert_eq!(shown(secret, Some("abc")), ("set (3 characters)".into(), "environment".into()));
    }
}
