//! Every package of `functions/` is deployed as what it is.

use std::collections::BTreeMap;
use std::time::Duration;

use check_job_health::CheckJobHealth;
use cleanup_old_data::CleanupOldData;
use create_notification::CreateNotification;
use export_data::ExportData;
use generate_report::GenerateReport;
use process_stripe_webhook::ProcessStripeWebhook;
use process_webhook::ProcessWebhook;
use send_email::SendEmail;
use sigpost_jobs::Job;

use super::{Stack, handlers, packages, repository};

/// What a run needs besides its own time: a cold start, two commits, the answer.
const MARGIN: Duration = Duration::from_secs(30);

/// The longest that Lambda lets an invocation take.
const LONGEST: u64 = 900;

fn job_timeouts() -> BTreeMap<String, Duration> {
    let of = |package: &str, timeout| (package.to_owned(), timeout);
    [
        of("send-email", SendEmail::TIMEOUT),
        of("cleanup-old-data", CleanupOldData::TIMEOUT),
        of("create-notification", CreateNotification::TIMEOUT),
        of("process-stripe-webhook", ProcessStripeWebhook::TIMEOUT),
        of("process-webhook", ProcessWebhook::TIMEOUT),
        of("export-data", ExportData::TIMEOUT),
        of("generate-report", GenerateReport::TIMEOUT),
        of("check-job-health", CheckJobHealth::TIMEOUT),
    ]
    .into()
}

fn timeout(stack: &Stack, function: &str) -> Duration {
    let seconds = stack.function(function)["Properties"]["Timeout"].as_u64().expect("a timeout");
    assert!(seconds <= LONGEST, "{function}");
    Duration::from_secs(seconds)
}

#[test]
fn every_package_is_a_function_with_its_program() {
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
        // Cargo names the program as the package where nothing else is said.
        assert!(repository("functions").join(package).join("src/main.rs").exists(), "{name}");
        assert_eq!(properties["Runtime"], "provided.al2023", "{name}");
        assert_eq!(properties["Architectures"][0], "arm64", "{name}");
        assert!(properties["ReservedConcurrentExecutions"].as_u64().is_some_and(|most| most > 0), "{name}");
        let memory = properties["MemorySize"].as_u64().expect("memory");
        assert!((128..=1024).contains(&memory), "{name} has {memory} MB");
    }
}

#[test]
fn other_architecture_is_a_parameter() {
    let stack = Stack::with(&[("Architecture", "x86_64")]);
    for (name, function) in stack.functions() {
        assert_eq!(function["Properties"]["Architectures"][0], "x86_64", "{name}");
    }
}

#[test]
fn a_handler_may_take_longer_than_its_job_and_the_dispatcher_longer_than_any() {
    let stack = Stack::with(&[]);
    let jobs = job_timeouts();
    assert_eq!(jobs.keys().cloned().collect::<Vec<_>>(), handlers(), "a handler's timeout is not compared");
    for (handler, job) in &jobs {
        assert!(timeout(&stack, handler) >= *job + MARGIN, "{handler}");
    }
    let attempt = &stack.function("dispatch")["Properties"]["Environment"]["Variables"]["LONGEST_ATTEMPT_SECONDS"];
    let attempt = Duration::from_secs(attempt.as_u64().expect("seconds"));
    assert!(timeout(&stack, "dispatch") >= attempt + MARGIN);
    for handler in jobs.keys() {
        assert!(attempt >= timeout(&stack, handler), "the dispatcher does not wait for {handler}");
    }
}

#[test]
fn logs_are_kept_for_a_bounded_time() {
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
fn the_schema_is_applied_before_the_code_that_needs_it() {
    let stack = Stack::with(&[]);
    for (name, function) in stack.functions() {
        let waits = function["DependsOn"] == "Migration";
        assert_eq!(waits, name != "migrate", "{name}");
    }
    let migration = &stack.resources["Migration"]["Properties"];
    // A change of the version is what makes CloudFormation run it again.
    assert_eq!(migration["Version"], "${MigrateFunction.Version}");
    assert!(stack.function("migrate")["Properties"]["AutoPublishAlias"].is_string());
    // Each waits longer than what it waits for.
    let starter = stack.resources["StartMigrationFunction"]["Properties"]["Timeout"].as_u64().expect("seconds");
    assert!(Duration::from_secs(starter) > timeout(&stack, "migrate"));
    assert!(migration["ServiceTimeout"].as_u64().expect("seconds") > starter);
}
