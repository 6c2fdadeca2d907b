//! Evaluates the templates' intrinsic functions as far as their values are known before a deployment. The name of a
//! resource stays `${Resource}`, and an attribute `${Resource.Attribute}`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

pub(super) struct Evaluator {
    /// Parameters and pseudo parameters of AWS.
    pub(super) values: BTreeMap<String, Value>,
    pub(super) conditions: Value,
    pub(super) mappings: Value,
}

impl Evaluator {
    pub(super) fn condition(&self, name: &str) -> bool {
        self.value(&self.conditions[name]) == json!(true)
    }

    /// Returns the value of a node. Null is `AWS::NoValue`, which removes the property.
    pub(super) fn value(&self, node: &Value) -> Value {
        match node {
            Value::Array(items) => items.iter().map(|item| self.value(item)).filter(|item| !item.is_null()).collect(),
            Value::Object(entries) => match entries.iter().next() {
                Some((function, argument)) if entries.len() == 1 && is_function(function) => {
                    self.call(function, argument)
                }
                _ => self.object(entries),
            },
            plain => plain.clone(),
        }
    }

    fn object(&self, entries: &Map<String, Value>) -> Value {
        let known = entries.iter().map(|(key, value)| (key.clone(), self.value(value)));
        Value::Object(known.filter(|(_, value)| !value.is_null()).collect())
    }

    fn call(&self, function: &str, argument: &Value) -> Value {
        if function == "Fn::If" {
            let name = argument[0].as_str().expect("a condition's name");
            return self.value(&argument[if self.condition(name) { 1 } else { 2 }]);
        }
        let argument = self.value(argument);
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        match function {
            "Ref" => self.reference(&text(&argument)),
            "Fn::Sub" if argument.is_array() => json!(self.substituted(&text(&argument[0]), &argument[1])),
            "Fn::Sub" => json!(self.substituted(&text(&argument), &Value::Null)),
            "Fn::GetAtt" if argument.is_array() => attribute(&format!("{}.{}", text(&argument[0]), text(&argument[1]))),
            "Fn::GetAtt" => attribute(&text(&argument)),
            "Fn::FindInMap" => self.mappings[text(&argument[0])][text(&argument[1])][text(&argument[2])].clone(),
            "Fn::Equals" => json!(text(&argument[0]) == text(&argument[1])),
            "Fn::Not" => json!(argument[0] == json!(false)),
            "Fn::Join" => {
                let items: Vec<String> = argument[1].as_array().expect("a list").iter().map(text).collect();
                json!(items.join(&text(&argument[0])))
            }
            "Fn::Split" => json!(text(&argument[1]).split(&text(&argument[0])).collect::<Vec<_>>()),
            "Fn::Select" => argument[1][text(&argument[0]).parse::<usize>().expect("an index")].clone(),
            other => panic!("{other} is not known here"),
        }
    }

    fn reference(&self, name: &str) -> Value {
        match (self.values.get(name), name) {
            (Some(value), _) => value.clone(),
            (None, "AWS::NoValue") => Value::Null,
            (None, resource) => json!(format!("${{{resource}}}")),
        }
    }

    fn substituted(&self, text: &str, own: &Value) -> String {
        let own = own.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value));
        let given = self.values.iter().map(|(name, value)| (name.as_str(), value));
        let known = given.chain(own).fold(text.to_owned(), |text, (name, value)| {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            text.replace(&format!("${{{name}}}"), &value)
        });
        let mut known = known;
        while let Some((before, after)) = known.split_once("FunctionUrl.FunctionUrl}") {
            let (before, function) = before.rsplit_once("${").expect("the start of it");
            known = format!("{before}{}{after}", function_url(function));
        }
        known
    }
}

fn is_function(key: &str) -> bool {
    key == "Ref" || key.starts_with("Fn::")
}

fn attribute(name: &str) -> Value {
    match name.strip_suffix("FunctionUrl.FunctionUrl") {
        Some(function) => json!(function_url(function)),
        None => json!(format!("${{{name}}}")),
    }
}

/// Returns the function URL that AWS creates, with a placeholder as the first label of its host.
pub(super) fn function_url(logical_name: &str) -> String {
    format!("https://{logical_name}.lambda-url.us-east-1.on.aws/")
}
