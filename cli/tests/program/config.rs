//! `sigpost config check`, and that `serve` says all at once.

use serde_json::Value;

use crate::running::{finished, sigpost};
use crate::serve::stderr;

#[test]
fn every_setting_is_shown_with_its_source_and_no_secret() {
    let mut command = sigpost(&["config", "check", "--json"]);
    command
        .env("DATABASE_URL", "postgres://u:s3cret@localhost/d")
        .env("QSTASH_TOKEN", "a-token-of-my-own")
        .env("LEASE_SECONDS", "3");
    let output = finished(command);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!text.contains("s3cret") && !text.contains("a-token-of-my-own"), "{text}");
    let shown: Value = serde_json::from_str(&text).expect("JSON");
    let setting = |name: &str| {
        let settings = shown["settings"].as_array().expect("settings").iter();
        let found = settings.clone().find(|setting| setting["name"] == name).expect("the setting");
        (found["value"].as_str().unwrap_or("-").to_owned(), found["source"].as_str().expect("a source").to_owned())
    };
    assert_eq!(setting("QSTASH_TOKEN"), ("set (17 characters)".into(), "environment".into()));
    assert_eq!(setting("LEASE_SECONDS"), ("3".into(), "environment".into()));
    assert_eq!(setting("MAX_IN_FLIGHT"), ("1024".into(), "default".into()));
    assert_eq!(setting("SCHEDULE_GROUP"), ("-".into(), "unset".into()));
    let of_others = shown["otherSettings"].as_array().expect("settings");
    let app_name = of_others.iter().find(|setting| setting["name"] == "APP_NAME").expect("the setting");
    assert_eq!((&app_name["value"], &app_name["source"]), (&"sigpost".into(), &"default".into()));
    let problems = shown["problems"].as_array().expect("problems");
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!((&problems[0]["setting"], &problems[0]["severity"]), (&"LEASE_SECONDS".into(), &"warning".into()));
}

#[test]
fn what_a_handler_would_not_start_with_is_a_warning() {
    let mut command = sigpost(&["config", "check"]);
    command.env("DATABASE_URL", "postgres://localhost/none").env("QSTASH_TOKEN", "a-token-of-my-own");
    command.env("ALERT_RULES", "queue-dept=5").env("RESEND_WEBHOOK_SECRET", "no");
    let output = finished(command);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for said in [
        "warning: check-job-health does not start: ALERT_RULES: unknown rule \"queue-dept\"",
        "warning: ingress does not start: RESEND_WEBHOOK_SECRET: secret 1 is not whsec_ and base64",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
}

#[test]
fn all_that_is_wrong_is_said_at_once_by_config_check_and_by_serve() {
    let run = |arguments: &[&str]| {
        let mut command = sigpost(arguments);
        command
            .env("DATABASE_URL", "postgres://localhost/none")
            .env("MAX_IN_FLIGHT", "many")
            .env("SHUTDOWN_GRACE_SECONDS", "40")
            .env("TERMINATION_GRACE_SECONDS", "30")
            .env("SCHEDULE_GROUP", "group");
        finished(command)
    };
    let (checked, served) = (run(&["config", "check"]), run(&["serve"]));
    assert_eq!((checked.status.code(), served.status.code()), (Some(1), Some(1)));
    let (checked, served) = (String::from_utf8_lossy(&checked.stdout).into_owned(), stderr(&served));
    for said in [
        "QSTASH_TOKEN is not set",
        "MAX_IN_FLIGHT=\"many\" cannot be read",
        "SHUTDOWN_GRACE_SECONDS=40 is not less than TERMINATION_GRACE_SECONDS=30",
        "SCHEDULE_TARGET_ARN is not set",
        "SCHEDULE_ROLE_ARN is not set",
    ] {
        assert!(checked.contains(&format!("error: {said}")), "{said}: {checked}");
        assert!(served.contains(&format!("  - {said}")), "{said}: {served}");
    }
    assert!(checked.contains("5 errors, 0 warnings"), "{checked}");
}
