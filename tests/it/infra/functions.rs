//! Every package of `functions/` is deployed as a function with matching settings.

use std::time::Duration;

use sigpost::jobs::JOBS;

use super::{Stack, handlers, packages, read, repository};

/// The time of an invocation besides the job: a cold start, two commits and the response.
const MARGIN: Duration = Duration::from_secs(30);

/// Lambda's maximum timeout, in seconds.
const LONGEST: u64 = 900;

fn timeout(stack: &Stack, function: &str) -> Duration {
    let seconds = stack.function(function)["Properties"]["Timeout"].as_u64().expect("a timeout");
    assert!(seconds <= LONGEST, "{function}");
    Duration::from_secs(seconds)
}

#[test]
fn every_package_is_deployed_as_a_function() {
    let stack = Stack::with(&[]);
    let mut deployed: Vec<&str> = stack.functions().into_iter().map(|(name, _)| name).collect();
    deployed.sort_unstable();
    let mut expected = packages();
    expected.push("migrate".to_owned());
    expected.sort_unstable();
    assert_eq!(deployed, expected);

    for (name, function) in stack.functions() {
        let package = if name == "migrate" { "dispatch" } else { name };
        let properties = &function["Properties"];
        assert_eq!(properties["CodeUri"], format!("../functions/{package}"), "{name}");
        assert_eq!(function["Metadata"]["BuildMethod"], "rust-cargolambda", "{name}");
        assert_eq!(function["Metadata"]["BuildProperties"]["Binary"], package, "{name}");
        // By default Cargo names the program after the package.
        assert!(repository("functions").join(package).join("src/main.rs").exists(), "{name}");
        assert_eq!(properties["Runtime"], "provided.al2023", "{name}");
        assert_eq!(properties["Architectures"][0], "arm64", "{name}");
        assert!(properties["ReservedConcurrentExecutions"].as_u64().is_some_and(|most| most > 0), "{name}");
        let memory = properties["MemorySize"].as_u64().expect("memory");
        assert!((128..=1024).contains(&memory), "{name} has {memory} MB");
    }
}

#[test]
fn job_list_has_every_handler_by_name() {
    let mut listed: Vec<&str> = JOBS.iter().map(|job| job.name).collect();
    listed.sort_unstable();
    assert_eq!(listed, handlers());
}

#[test]
fn every_job_has_a_route_under_cargo_lambda_watch() {
    let manifest = read(&repository("Cargo.toml"));
    for job in JOBS {
        let route = format!("\n\"{}\" = \"{}\"\n", job.endpoint, job.name);
        assert!(manifest.contains(&route), "{route}");
    }
}

#[test]
fn architecture_is_a_parameter() {
    let stack = Stack::with(&[("Architecture", "x86_64")]);
    for (name, function) in stack.functions() {
        assert_eq!(function["Properties"]["Architectures"][0], "x86_64", "{name}");
    }
}

#[test]
fn timeouts_exceed_job_timeouts_and_dispatcher_exceeds_handlers() {
    let stack = Stack::with(&[]);
    for job in JOBS {
        assert!(timeout(&stack, job.name) >= job.timeout + MARGIN, "{}", job.name);
    }
    let attempt = &stack.function("dispatch")["Properties"]["Environment"]["Variables"]["LONGEST_ATTEMPT_SECONDS"];
    let attempt = Duration::from_secs(attempt.as_u64().expect("seconds"));
    assert!(timeout(&stack, "dispatch") >= attempt + MARGIN);
    for job in JOBS {
        assert!(attempt >= timeout(&stack, job.name), "the dispatcher does not wait for {}", job.name);
    }
}

#[test]
fn log_retention_is_bounded() {
    let stack = Stack::with(&[]);
    let groups = stack.all("AWS::Logs::LogGroup");
    let named = |name: &str| {
        let name = format!("/aws/lambda/sigpost-test-{name}");
        groups.iter().any(|(_, group)| {
            group["Properties"]["LogGroupName"] == *name && group["Properties"]["RetentionInDays"].is_u64()
        })
    };
    for (name, _) in stack.functions() {
        assert!(named(name), "{name}");
    }
    assert!(named("start-migration"));
}

#[test]
fn schema_is_applied_before_functions_are_updated() {
    let stack = Stack::with(&[]);
    for (name, function) in stack.functions() {
        let waits = function["DependsOn"] == "Migration";
        assert_eq!(waits, name != "migrate", "{name}");
    }
    let migration = &stack.resources["Migration"]["Properties"];
    // CloudFormation runs the migration again when the version changes.
    assert_eq!(migration["Version"], "${MigrateFunction.Version}");
    assert!(stack.function("migrate")["Properties"]["AutoPublishAlias"].is_string());
    // Each timeout exceeds the one that it contains.
    let starter = stack.resources["StartMigrationFunction"]["Properties"]["Timeout"].as_u64().expect("seconds");
    assert!(Duration::from_secs(starter) > timeout(&stack, "migrate"));
    assert!(migration["ServiceTimeout"].as_u64().expect("seconds") > starter);
}
