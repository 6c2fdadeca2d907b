//! The schedules that the stack creates.

use serde_json::Value;
use sigpost_jobs::Job;
use sigpost_jobs::payloads::{CheckJobHealth, CleanupOldData};
use tests::aws_cron::AwsCron;

use super::Stack;
use super::evaluate::function_url;

fn is_rate(expression: &str) -> bool {
    let Some(inner) = expression.strip_prefix("rate(").and_then(|rest| rest.strip_suffix(')')) else { return false };
    match inner.split_once(' ') {
        Some(("1", unit)) => ["minute", "hour", "day"].contains(&unit),
        Some((count, unit)) => {
            count.parse::<u32>().is_ok_and(|count| count > 1) && ["minutes", "hours", "days"].contains(&unit)
        }
        None => false,
    }
}

fn input(schedule: &Value) -> Value {
    serde_json::from_str(schedule["Properties"]["Target"]["Input"].as_str().expect("an input")).expect("JSON")
}

#[test]
fn every_schedule_is_valid_and_sends_a_known_event() {
    let stack = Stack::with(&[]);
    let mut events = Vec::new();
    for (name, schedule) in stack.all("AWS::Scheduler::Schedule") {
        let properties = &schedule["Properties"];
        let expression = properties["ScheduleExpression"].as_str().expect("an expression");
        let cron = AwsCron::parse(expression);
        assert!(is_rate(expression) || cron.is_ok(), "{name}: {expression}: {cron:?}");
        assert_eq!(properties["Target"]["Arn"], "${DispatchFunction.Arn}", "{name}");
        assert_eq!(properties["Target"]["RoleArn"], "${SchedulerRole.Arn}", "{name}");
        assert_eq!(properties["Target"]["DeadLetterConfig"]["Arn"], "${DeadInvocations.Arn}", "{name}");
        // The dispatcher deletes unknown schedules from its own group.
        assert_eq!(properties["GroupName"], "${SystemScheduleGroup}", "{name}");
        events.push(input(schedule)["sigpost"].as_str().expect("an event").to_owned());
    }
    events.sort_unstable();
    assert_eq!(events, ["publish", "publish", "reconcile", "tick"]);
    let group = &stack.function("dispatch")["Properties"]["Environment"]["Variables"]["SCHEDULE_GROUP"];
    assert_eq!(group, "${ScheduleGroup}");
}

#[test]
fn cleanup_is_published_daily_to_its_handler() {
    let stack = Stack::with(&[("RetentionDays", "14")]);
    let event = input(&stack.resources["CleanupOldDataDaily"]);
    let url = function_url("CleanupOldData");
    assert_eq!(event["url"], format!("{}{}", url.trim_end_matches('/'), CleanupOldData::ENDPOINT));
    let job: CleanupOldData = serde_json::from_value(event["body"].clone()).expect("the job");
    assert_eq!(job, CleanupOldData { retention: 14, activity_retention: None });
    job.validate().expect("a valid job");
    // EventBridge inserts the time, so a repeated invocation publishes once.
    assert_eq!(event["time"], "<aws.scheduler.scheduled-time>");
    assert_eq!(event.as_object().map(serde_json::Map::len), Some(4), "dispatch rejects unknown fields");
}

#[test]
fn health_is_checked_every_five_minutes() {
    let stack = Stack::with(&[]);
    let schedule = &stack.resources["CheckJobHealthOften"];
    assert_eq!(schedule["Properties"]["ScheduleExpression"], "rate(5 minutes)");
    let event = input(schedule);
    let url = function_url("CheckJobHealth");
    assert_eq!(event["url"], format!("{}{}", url.trim_end_matches('/'), CheckJobHealth::ENDPOINT));
    let job: CheckJobHealth = serde_json::from_value(event["body"].clone()).expect("the job");
    job.validate().expect("a valid job");
    assert_eq!(event["time"], "<aws.scheduler.scheduled-time>");
}
