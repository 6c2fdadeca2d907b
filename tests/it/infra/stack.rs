//! A template evaluated with parameters: the stack as it would be deployed.

use serde_json::{Map, Value, json};

use super::evaluate::Evaluator;
use super::{read, repository, yaml};

/// A stack named `sigpost-test`.
pub(super) struct Stack {
    pub(super) resources: Map<String, Value>,
}

impl Stack {
    /// Evaluates `infra/template.yaml`.
    pub(super) fn with(parameters: &[(&str, &str)]) -> Self {
        Self::of("template.yaml", parameters)
    }

    /// Evaluates a template of `infra/`. Missing parameters have their defaults.
    pub(super) fn of(file: &str, parameters: &[(&str, &str)]) -> Self {
        let template = template(file);
        let given = [
            ("AWS::StackName", "sigpost-test"),
            ("AWS::Region", "us-east-1"),
            ("AWS::AccountId", "123456789012"),
            ("AWS::Partition", "aws"),
        ];
        let mut values: std::collections::BTreeMap<String, Value> =
            given.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        for (name, parameter) in template["Parameters"].as_object().expect("parameters") {
            let given = parameters.iter().find(|(given, _)| given == name).map(|(_, value)| json!(value));
            let value = given.unwrap_or_else(|| parameter["Default"].clone());
            let is_list = parameter["Type"] == "CommaDelimitedList";
            let list = |text: &str| text.split(',').filter(|item| !item.is_empty()).map(Value::from).collect();
            values.insert(name.clone(), if is_list { list(value.as_str().unwrap_or_default()) } else { value });
        }
        for (name, _) in parameters {
            assert!(values.contains_key(*name), "{file} has no parameter {name}");
        }
        let evaluator =
            Evaluator { values, conditions: template["Conditions"].clone(), mappings: template["Mappings"].clone() };
        let globals = evaluator.value(&template["Globals"]["Function"]);
        let mut resources = Map::new();
        for (name, resource) in yaml::expanded(&template["Resources"]) {
            if resource["Condition"].as_str().is_some_and(|condition| !evaluator.condition(condition)) {
                continue;
            }
            let mut resource = evaluator.value(&resource);
            if resource["Type"] == "AWS::Serverless::Function" {
                let mut merged = globals.clone();
                merge(&mut merged, &resource["Properties"]);
                resource["Properties"] = merged;
            }
            resources.insert(name, resource);
        }
        Self { resources }
    }

    /// Returns the resources of one type by name.
    pub(super) fn all(&self, kind: &str) -> Vec<(&str, &Value)> {
        let of_kind = self.resources.iter().filter(|(_, resource)| resource["Type"] == kind);
        of_kind.map(|(name, resource)| (name.as_str(), resource)).collect()
    }

    /// Returns sigpost's functions by name, without the prefix of the stack.
    pub(super) fn functions(&self) -> Vec<(&str, &Value)> {
        let function = |(_, resource)| {
            let resource: &Value = resource;
            let name = resource["Properties"]["FunctionName"].as_str().expect("a function's name");
            (name.strip_prefix("sigpost-test-").expect("the stack's name"), resource)
        };
        self.all("AWS::Serverless::Function").into_iter().map(function).collect()
    }

    pub(super) fn function(&self, name: &str) -> &Value {
        let found = self.functions().into_iter().find(|(found, _)| *found == name);
        found.unwrap_or_else(|| panic!("no function {name}")).1
    }

    /// Returns the policy statements of a role, with those of its managed policies.
    pub(super) fn statements(&self, role: &str) -> Vec<Value> {
        let (role, reference) = (&self.resources[role]["Properties"], format!("${{{role}}}"));
        let managed = role["ManagedPolicyArns"].as_array().into_iter().flatten().map(|reference| {
            let name = reference.as_str().and_then(|text| text.strip_prefix("${")).expect("a policy of the stack");
            &self.resources[name.trim_end_matches('}')]["Properties"]["PolicyDocument"]
        });
        let own = role["Policies"].as_array().into_iter().flatten().map(|policy| &policy["PolicyDocument"]);
        let added = self.all("AWS::IAM::RolePolicy").into_iter().map(|(_, policy)| &policy["Properties"]);
        let added = added.filter(|policy| policy["RoleName"] == reference).map(|policy| &policy["PolicyDocument"]);
        managed
            .chain(own)
            .chain(added)
            .flat_map(|document| document["Statement"].as_array().expect("statements").clone())
            .collect()
    }

    /// Returns the policy statements of a function's role, by the function's name.
    pub(super) fn allowed(&self, function: &str) -> Vec<Value> {
        let role = self.function(function)["Properties"]["Role"].as_str().expect("a role");
        self.statements(role.trim_start_matches("${").trim_end_matches(".Arn}"))
    }
}

/// Reads a template as JSON, not evaluated.
pub(super) fn template(file: &str) -> Value {
    yaml::documents(&read(&repository("infra").join(file))).remove(0)
}

/// Returns one value or a list of values as a list.
pub(super) fn listed(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    }
}

fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            from.iter().for_each(|(key, value)| merge(into.entry(key.clone()).or_insert(Value::Null), value));
        }
        (into, from) => *into = from.clone(),
    }
}
