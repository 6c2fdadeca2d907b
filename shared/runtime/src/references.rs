//! References in the environment: `ssm:/sigpost/token` is a parameter of Systems Manager,
//! `secretsmanager:sigpost/database#password` is the member `password` of a secret that is a JSON object.
//!
//! All references are resolved concurrently, once per process: a changed secret reaches the processes that start
//! after the change. Without references, no client is created.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, anyhow};
use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use crate::{Aws, env};

/// SSM's maximum of parameters per call.
const PARAMETERS_PER_CALL: usize = 10;

/// The source of a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    /// `ssm:` and the parameter's name, optionally with `:version` or `:label`.
    Parameter(String),
    /// `secretsmanager:` and the secret's name or ARN.
    Secret(String),
}

#[derive(Debug, PartialEq, Eq)]
struct Reference {
    source: Source,
    /// The member of a JSON object; `None` for the whole text.
    key: Option<String>,
}

impl Reference {
    fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        let source = match kind {
            "ssm" => Source::Parameter,
            "secretsmanager" => Source::Secret,
            _ => return None,
        };
        // Names and ARNs contain no `#`.
        let (name, key) = rest.split_once('#').map_or((rest, None), |(name, key)| (name, Some(key.to_owned())));
        Some(Self { source: source(name.to_owned()), key })
    }

    /// Returns the referenced value. Errors contain no part of a value.
    fn pick(&self, kept: &str) -> Result<String, String> {
        let Some(key) = &self.key else { return Ok(kept.to_owned()) };
        let Ok(Value::Object(mut members)) = serde_json::from_str(kept) else {
            return Err("is not a JSON object".into());
        };
        match members.remove(key) {
            Some(Value::String(text)) => Ok(text),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => Ok(value.to_string()),
            Some(_) => Err(format!("has no text at {key:?}")),
            None => Err(format!("has no member {key:?}")),
        }
    }
}

/// Resolves every reference in this process's environment. Once per process, before configuration is read.
///
/// # Errors
///
/// Names the variable whose reference cannot be resolved; never a value.
pub async fn resolve() -> Result<()> {
    let variables = std::env::vars_os().filter_map(|(name, text)| {
        let (name, text) = (name.into_string().ok()?, text.into_string().ok()?.trim().to_owned());
        let reference = Reference::parse(&text)?;
        Some((name, (text, reference)))
    });
    let variables: BTreeMap<String, (String, Reference)> = variables.collect();
    let Some(first) = variables.keys().next() else { return Ok(()) };
    let aws = Aws::from_env().with_context(|| format!("{first} is a reference to AWS"))?;

    let sources: BTreeSet<&Source> = variables.values().map(|(_, reference)| &reference.source).collect();
    let kept = fetch(&aws, sources).await;
    let values = variables.iter().map(|(name, (text, reference))| {
        let value = match &kept[&reference.source] {
            Ok(kept) => reference.pick(kept),
            Err(why) => Err(why.clone()),
        };
        Ok((text.clone(), value.map_err(|why| anyhow!("{name}: {text} {why}"))?))
    });
    env::set_resolved(values.collect::<Result<_>>()?);
    Ok(())
}

/// The value of each source, or why it cannot be read.
type Kept = BTreeMap<Source, Result<String, String>>;

/// Fetches all sources concurrently: the start of the function waits for them.
async fn fetch(aws: &Aws, sources: BTreeSet<&Source>) -> Kept {
    let (mut names, mut ids) = (Vec::new(), Vec::new());
    for source in sources {
        match source {
            Source::Parameter(name) => names.push(name.as_str()),
            Source::Secret(id) => ids.push(id.as_str()),
        }
    }
    let parameters = join_all(names.chunks(PARAMETERS_PER_CALL).map(|names| get_parameters(aws, names)));
    let secrets = join_all(ids.into_iter().map(async |id| {
        let secret = get_secret(aws, id).await.map_err(|why| format!("cannot be read: {why:#}"));
        (Source::Secret(id.to_owned()), secret)
    }));
    let (parameters, secrets) = join(parameters, secrets).await;
    parameters.into_iter().flatten().chain(secrets).collect()
}

async fn get_parameters(aws: &Aws, names: &[&str]) -> Kept {
    let input = json!({ "Names": names, "WithDecryption": true });
    let answer = aws.call("ssm", "AmazonSSM.GetParameters", &input).await;
    let kept = |name: &str| match &answer {
        Ok(answer) => find_parameter(answer, name).ok_or_else(|| "does not exist".to_owned()),
        Err(why) => Err(format!("cannot be read: {why:#}")),
    };
    names.iter().map(|name| (Source::Parameter((*name).to_owned()), kept(name))).collect()
}

/// Finds a parameter that was requested as `name`, `name:version`, `name:label` or by its ARN.
fn find_parameter(answer: &Value, asked: &str) -> Option<String> {
    let parameters = answer["Parameters"].as_array()?;
    let found = parameters.iter().find(|parameter| {
        let text = |member: &str| parameter[member].as_str().unwrap_or_default();
        ["Name", "ARN"].iter().any(|name| format!("{}{}", text(name), text("Selector")) == asked)
    });
    found?["Value"].as_str().map(str::to_owned)
}

async fn get_secret(aws: &Aws, id: &str) -> Result<String> {
    let answer = aws.call("secretsmanager", "secretsmanager.GetSecretValue", &json!({ "SecretId": id })).await?;
    answer["SecretString"].as_str().map(str::to_owned).context("it is binary")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reference_is_known_by_its_beginning() {
        let parsed = |text: &str| Reference::parse(text).map(|reference| (reference.source, reference.key));
        let parameter = |name: &str| Source::Parameter(name.to_owned());
        assert_eq!(parsed("ssm:/sigpost/token"), Some((parameter("/sigpost/token"), None)));
        assert_eq!(parsed("ssm:/sigpost/token:3"), Some((parameter("/sigpost/token:3"), None)));
        let arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:db-AbCdEf";
        let secret = Source::Secret(arn.to_owned());
        assert_eq!(parsed(&format!("secretsmanager:{arn}#password")), Some((secret, Some("password".to_owned()))));
        for value in ["", "token", "postgres://u:p@h/db", "ssm", "SSM:/x", " ssm:/x"] {
            assert_eq!(parsed(value), None, "{value:?}");
        }
    }

    #[test]
    fn member_is_picked_and_an_error_repeats_nothing() {
        let pick = |key: &str, kept: &str| {
            let reference = Reference { source: Source::Secret("s".into()), key: Some(key.to_owned()) };
            reference.pick(kept)
        };
        let kept = r#"{"username":"u","password":"s3cret","port":5432,"more":{}}"#;
        assert_eq!(pick("password", kept), Ok("s3cret".into()));
        assert_eq!(pick("port", kept), Ok("5432".into()));
        assert_eq!(pick("host", kept), Err(r#"has no member "host""#.into()));
        assert_eq!(pick("more", kept), Err(r#"has no text at "more""#.into()));
        assert_eq!(pick("password", "s3cret"), Err("is not a JSON object".into()));
    }

    #[test]
    fn parameter_is_found_by_what_it_was_asked_for() {
        let answer = json!({ "Parameters": [
            { "Name": "/a", "ARN": "arn:aws:ssm:r:1:parameter/a", "Value": "plain" },
            { "Name": "/a", "ARN": "arn:aws:ssm:r:1:parameter/a", "Selector": ":2", "Value": "second" },
        ] });
        for (asked, value) in [
            ("/a", Some("plain")),
            ("/a:2", Some("second")),
            ("arn:aws:ssm:r:1:parameter/a", Some("plain")),
            ("/b", None),
        ] {
            assert_eq!(find_parameter(&answer, asked).as_deref(), value, "{asked}");
        }
    }
}
