//! The database that the stack can create.

use serde_json::Value;

use super::stack::template;
use super::{Stack, read, repository};

/// Connections that Postgres reserves for superusers (3) and RDS for itself (2).
const KEPT_BACK: u64 = 5;

fn database(engine: &str) -> Stack {
    Stack::of("database.yaml", &[("Engine", engine), ("Protection", "true"), ("ClientSecurityGroup", "sg-functions")])
}

/// Returns the connections of all functions at their concurrency limits.
fn most_connections(stack: &Stack) -> u64 {
    let of = |(name, function): (&str, &Value)| {
        let properties = &function["Properties"];
        let number = |value: &Value| value.as_str().map_or_else(|| value.as_u64(), |text| text.parse().ok());
        let environments = number(&properties["ReservedConcurrentExecutions"]).expect("a number");
        let connections = number(&properties["Environment"]["Variables"]["DATABASE_CONNECTIONS"]).expect("a number");
        let listening = u64::from(name == "dispatch");
        environments * (connections + listening)
    };
    stack.functions().into_iter().map(of).sum()
}

/// Returns the parameters of a deployment in `samconfig.toml`.
fn overrides(environment: &str) -> Vec<(String, String)> {
    let file = read(&repository("infra/samconfig.toml"));
    let section = file.split(&format!("[{environment}.deploy.parameters]")).nth(1).expect("a section");
    let list = section.split("parameter_overrides = [").nth(1).and_then(|rest| rest.split(']').next());
    let pairs = list.expect("a list").split('"').filter_map(|text| text.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[test]
fn functions_fit_the_connections_of_the_smallest_database() {
    let rds = database("rds");
    let most = &rds.resources["InstanceParameters"]["Properties"]["Parameters"]["max_connections"];
    let most: u64 = most.as_str().expect("a text").parse().expect("a number");
    let default = most_connections(&Stack::with(&[]));
    assert!(default <= most - KEPT_BACK, "{default} of {most}");
    for environment in ["staging", "production"] {
        let given = overrides(environment);
        let given: Vec<(&str, &str)> = given.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let connections = most_connections(&Stack::with(&given));
        assert!((1..=most - KEPT_BACK).contains(&connections), "{environment}: {connections} of {most}");
    }
}

#[test]
fn handler_has_a_connection_for_its_heartbeat() {
    let stack = Stack::with(&[]);
    for handler in super::handlers() {
        let variables = &stack.function(&handler)["Properties"]["Environment"]["Variables"];
        assert_eq!(variables["DATABASE_CONNECTIONS"], 2, "{handler}");
    }
}

#[test]
fn database_is_private_encrypted_backed_up_and_retained() {
    for (engine, keeper) in [("rds", "Instance"), ("aurora", "Cluster")] {
        let stack = database(engine);
        let data = &stack.resources[keeper];
        let properties = &data["Properties"];
        assert_eq!(data["DeletionPolicy"], "Snapshot", "{engine}");
        assert_eq!(data["UpdateReplacePolicy"], "Snapshot", "{engine}");
        assert_eq!(properties["StorageEncrypted"], true, "{engine}");
        let password = properties["MasterUserPassword"].as_str().expect("a reference");
        assert_eq!(password, "{{resolve:secretsmanager:${Password}:SecretString:password}}", "{engine}");
        assert!(properties["BackupRetentionPeriod"].as_u64().is_some_and(|days| days >= 7), "{engine}");
        for (name, instance) in stack.all("AWS::RDS::DBInstance") {
            assert_eq!(instance["Properties"]["PubliclyAccessible"], false, "{name}");
        }
        let ingress = stack.resources["SecurityGroup"]["Properties"]["SecurityGroupIngress"].clone();
        assert_eq!(ingress.as_array().map(Vec::len), Some(1));
        assert_eq!(ingress[0]["SourceSecurityGroupId"], "sg-functions");
        assert_eq!((&ingress[0]["FromPort"], &ingress[0]["ToPort"]), (&5432.into(), &5432.into()));
    }
}

#[test]
fn database_of_the_stack_requires_a_vpc() {
    let rule = &template("template.yaml")["Rules"]["DatabaseOfTheStackNeedsVpc"];
    assert!(rule["Assertions"][0]["Assert"].is_object());
}
