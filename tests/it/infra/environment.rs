//! A function has exactly the variables that its code reads, and permission for exactly the secrets that they
//! reference.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::json;
use sigpost::jobs::{JOBS, JobType};
use sigpost_runtime::settings;

use super::evaluate::function_url;
use super::stack::{listed, template};
use super::{Stack, handlers, logical_name, read, repository};
use crate::support::files_below;

/// A variable that no code reads: its change starts new environments.
const UNREAD: &str = "SECRETS_GENERATION";

/// Returns all code below a folder, without comments and the definitions of settings.
fn source(folder: &Path) -> String {
    let files = files_below(folder);
    let files = files.iter().filter(|path| !path.parent().is_some_and(|folder| folder.ends_with("settings/list")));
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    files
        .flat_map(|path| read(path).lines().filter(is_code).map(|line| format!("{line}\n")).collect::<Vec<_>>())
        .collect()
}

/// Returns the names of the settings that the code refers to.
fn variables(source: &str) -> BTreeSet<String> {
    let words: BTreeSet<&str> = source.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    settings::all().filter(|setting| words.contains(setting.name)).map(|setting| setting.name.to_owned()).collect()
}

fn required(source: &str) -> BTreeSet<String> {
    let calls = ["env::required(", "reading.required(", "reading.required_as("];
    let after = calls.iter().flat_map(|call| source.split(call).skip(1));
    let arguments = after.filter_map(|rest| rest.split([',', ')']).next()?.rsplit("::").next());
    arguments.filter(|name| settings::all().any(|setting| setting.name == *name)).map(str::to_owned).collect()
}

/// Returns the code of a package and of the shared packages that it uses.
fn code_of(package: &str) -> String {
    let own = source(&repository("functions").join(package).join("src"));
    let shared = ["runtime", "store", "jobs"];
    let used = ["files", "health"].into_iter().filter(|name| uses(package, name));
    let used: String = used.map(|name| source(&repository("shared").join(name).join("src"))).collect();
    own + &used + &shared.map(|name| source(&repository("shared").join(name).join("src"))).concat()
}

fn uses(package: &str, shared: &str) -> bool {
    read(&repository("functions").join(package).join("Cargo.toml")).contains(&format!("sigpost-{shared}"))
}

fn required_by(package: &str) -> BTreeSet<String> {
    let own = source(&repository("functions").join(package).join("src"));
    let mut names = required(&own);
    names.extend(required(&source(&repository("shared/store/src"))));
    if own.contains("Handlers::from_env") {
        names.extend(required(&read(&repository("shared/jobs/src/handlers.rs"))));
    }
    if uses(package, "files") {
        names.extend(required(&source(&repository("shared/files/src"))));
    }
    if own.contains("Harness::from_env") {
        for name in ["harness.rs", "handlers.rs"] {
            names.extend(required(&read(&repository("shared/jobs/src").join(name))));
        }
    }
    names
}

fn environment(stack: &Stack, function: &str) -> Vec<(String, String)> {
    let variables = stack.function(function)["Properties"]["Environment"]["Variables"].as_object().expect("variables");
    let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    variables.iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

const CONFIGURATIONS: [&[(&str, &str)]; 3] = [
    &[],
    &[AUTH[0], AUTH[1], ("Database", "rds"), ("VpcId", "vpc-1"), ("SubnetIds", "subnet-1,subnet-2")],
    &[("TracesEndpoint", "https://otlp.example.com"), ("TracesSecret", "traces")],
];
const AUTH: [(&str, &str); 2] = [("HandlerAuth", "AWS_IAM"), ("AdminAuth", "AWS_IAM")];

#[test]
fn functions_have_the_variables_that_their_code_reads() {
    for configuration in CONFIGURATIONS {
        let stack = Stack::with(configuration);
        for (function, _) in stack.functions() {
            let package = if function == "migrate" { "dispatch" } else { function };
            let given: BTreeSet<String> = environment(&stack, function).into_iter().map(|(name, _)| name).collect();
            let mut read = variables(&code_of(package));
            read.insert(UNREAD.to_owned());
            let unread: Vec<_> = given.difference(&read).collect();
            assert!(unread.is_empty(), "{function} is given what nothing reads: {unread:?}");
            let required = required_by(package);
            assert!(required.contains("DATABASE_URL"), "{function}: the code was not understood");
            // The EventBridge driver requires its settings only if a schedule group is set.
            let keeps_schedules = given.contains("SCHEDULE_GROUP");
            let needed = required.into_iter().filter(|name| keeps_schedules || !name.starts_with("SCHEDULE_"));
            let signed = environment(&stack, function).contains(&("ADMIN_AUTH".into(), "iam".into()));
            let needed = needed.filter(|name| !signed || name != "ADMIN_TOKEN");
            let missing: Vec<_> = needed.filter(|name| !given.contains(name)).collect();
            assert!(missing.is_empty(), "{function} lacks {missing:?}");
        }
    }
}

#[test]
fn functions_can_read_only_the_secrets_they_reference() {
    for configuration in CONFIGURATIONS {
        let stack = Stack::with(configuration);
        for (function, _) in stack.functions() {
            let referred = |scheme: &str| -> BTreeSet<String> {
                let values = environment(&stack, function).into_iter().map(|(_, value)| value);
                let references = values.filter_map(|value| value.strip_prefix(scheme).map(str::to_owned));
                references.map(|name| name.split('#').next().unwrap_or_default().to_owned()).collect()
            };
            let readable = |action: &str| -> BTreeSet<String> {
                let statements = stack.allowed(function);
                let with = statements.iter().filter(|statement| listed(&statement["Action"]).contains(&action));
                with.flat_map(|statement| listed(&statement["Resource"])).map(name_in).collect()
            };
            let mut secrets = readable("secretsmanager:GetSecretValue");
            // By convention a handler has its own secret, whether it needs one or not.
            let own = format!("sigpost-test/{function}");
            if !referred("secretsmanager:").contains(&own) {
                secrets.remove(&own);
            }
            assert_eq!(secrets, referred("secretsmanager:"), "{function}");
            assert_eq!(readable("ssm:GetParameters"), referred("ssm:"), "{function}");
        }
    }
}

#[test]
fn every_handler_has_the_urls_of_all_jobs() {
    let stack = Stack::with(&[]);
    let parameter = &stack.resources["JobUrlsParameter"]["Properties"];
    let mut listed: Vec<&str> = parameter["Value"].as_str().expect("a text").split(',').collect();
    listed.sort_unstable();
    let of = |job: &JobType| format!("{}={}", job.name, function_url(&logical_name(job.name)));
    let mut expected: Vec<String> = JOBS.iter().map(of).collect();
    expected.sort_unstable();
    assert_eq!(listed, expected);

    let reference = format!("ssm:{}", parameter["Name"].as_str().expect("a name"));
    for handler in handlers() {
        let variables = &stack.function(&handler)["Properties"]["Environment"]["Variables"];
        assert_eq!(variables["JOB_URLS"], *reference, "{handler}");
    }
    // The stack's output for applications has the same value.
    assert_eq!(
        template("template.yaml")["Outputs"]["JobUrls"]["Value"],
        json!({ "Fn::GetAtt": "JobUrlsParameter.Value" })
    );
}

/// Returns the name in `arn:...:secret:NAME-??????` or `arn:...:parameter/NAME`, in the form of references.
fn name_in(arn: &str) -> String {
    let secret = arn.split_once(":secret:").map(|(_, name)| name.trim_end_matches("-??????"));
    let parameter = arn.split_once(":parameter").map(|(_, name)| name);
    secret.or(parameter).unwrap_or(arn).to_owned()
}

#[test]
fn ingress_has_the_urls_of_webhook_handlers() {
    let stack = Stack::with(&[]);
    let variable = |function: &str, name: &str| {
        environment(&stack, function).into_iter().find(|(given, _)| given == name).map(|(_, value)| value)
    };
    assert_eq!(variable("ingress", "BASE_URL"), Some(function_url("ProcessStripeWebhook")));
    let expected = format!("process-webhook={}", function_url("ProcessWebhook"));
    assert_eq!(variable("ingress", "JOB_URLS"), Some(expected));
}

#[test]
fn template_contains_no_secret() {
    let stack = Stack::with(CONFIGURATIONS[1]);
    for (function, _) in stack.functions() {
        for (name, value) in environment(&stack, function) {
            let secret = ["TOKEN", "KEY", "PASSWORD", "SECRET"].iter().any(|word| name.ends_with(word));
            assert!(!secret || value.starts_with("secretsmanager:"), "{function} {name}");
            assert!(name != "DATABASE_URL" || !value.contains(":@"), "{function} {name}");
        }
    }
}
