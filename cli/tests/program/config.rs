//! `sigpost config check`, and the settings errors of `serve` and `dev`.

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

/// Commands of `sigpost` that do not start with an invalid setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Starts {
    /// `serve`.
    Serve,
    /// `dev`, because a function in it reads the setting.
    Dev,
    /// Both.
    Both,
    /// Another program, which `tests/` covers.
    Neither,
}

/// Setting, invalid value, commands that do not start, and error.
const WRONG: [(&str, &str, Starts, &str); 80] = {
    use Starts::{Both, Dev, Neither, Serve};
    [
        ("DATABASE_URL", "mysql://s3cret@h/d", Serve, "DATABASE_URL cannot be read: "),
        ("DATABASE_URL", "postgres://u:s3cret@h/d?port=x", Serve, "DATABASE_URL cannot be read: "),
        (
            "DATABASE_PASSWORD",
            "s3cret",
            Serve,
            "DATABASE_PASSWORD requires a DATABASE_URL that begins with postgres://USER@",
        ),
        (
            "DATABASE_CONNECTIONS",
            "many",
            Serve,
            "DATABASE_CONNECTIONS=\"many\" is invalid: invalid digit found in string, expected a whole number",
        ),
        ("DATABASE_CONNECTIONS", "0", Serve, "DATABASE_CONNECTIONS must be at least 1"),
        (
            "QSTASH_CURRENT_SIGNING_KEY",
            "s3cret",
            Serve,
            "QSTASH_CURRENT_SIGNING_KEY and QSTASH_NEXT_SIGNING_KEY belong together",
        ),
        (
            "ADMIN_TOKEN",
            "s3cret",
            Serve,
            "ADMIN_TOKEN has 6 characters: use at least 32; make one with `openssl rand -hex 32`",
        ),
        (
            "LISTEN",
            "nowhere",
            Serve,
            "LISTEN=\"nowhere\" is invalid: invalid socket address syntax, expected an address and a port such as 127.0.0.1:8080",
        ),
        ("LISTEN", "localhost:8080", Serve, "LISTEN=\"localhost:8080\" is invalid: "),
        ("ALLOW_TARGETS", "10.0.0.0/99", Serve, "ALLOW_TARGETS: "),
        ("API_RATE_LIMIT_PER_SECOND", "-1", Serve, "API_RATE_LIMIT_PER_SECOND=\"-1\" is invalid: "),
        ("MAX_BODY_BYTES", "10MB", Serve, "MAX_BODY_BYTES=\"10MB\" is invalid: "),
        ("MAX_BODY_BYTES", "0", Serve, "MAX_BODY_BYTES must be at least 1"),
        ("MAX_IN_FLIGHT", "0", Serve, "MAX_IN_FLIGHT must be at least 1"),
        ("MAX_DISPATCHERS", "0", Serve, "MAX_DISPATCHERS must be at least 1"),
        ("MAX_DISPATCHERS", "few", Serve, "MAX_DISPATCHERS=\"few\" is invalid: "),
        ("LEASE_SECONDS", "20s", Serve, "LEASE_SECONDS=\"20s\" is invalid: "),
        ("LEASE_SECONDS", "0", Serve, "LEASE_SECONDS must be at least 1"),
        ("LONGEST_ATTEMPT_SECONDS", "0", Serve, "LONGEST_ATTEMPT_SECONDS must be at least 1"),
        ("SHUTDOWN_GRACE_SECONDS", "1.5", Serve, "SHUTDOWN_GRACE_SECONDS=\"1.5\" is invalid: "),
        ("TERMINATION_GRACE_SECONDS", "long", Serve, "TERMINATION_GRACE_SECONDS=\"long\" is invalid: "),
        (
            "TERMINATION_GRACE_SECONDS",
            "5",
            Serve,
            "SHUTDOWN_GRACE_SECONDS=25 is not less than TERMINATION_GRACE_SECONDS=5",
        ),
        ("DEDUPLICATION_WINDOW_SECONDS", "0", Serve, "DEDUPLICATION_WINDOW_SECONDS must be at least 1"),
        (
            "DEDUPLICATION_RELEASE_ON_FAILURE",
            "yes",
            Serve,
            "DEDUPLICATION_RELEASE_ON_FAILURE=\"yes\" is invalid: provided string was not `true` or `false`, expected true or false",
        ),
        ("SCHEDULE_GROUP", "g", Serve, "SCHEDULE_TARGET_ARN is not set"),
        ("SCHEDULE_GROUP", "g", Serve, "SCHEDULE_ROLE_ARN is not set"),
        ("SIGV4_TARGETS", "https://x", Serve, "SIGV4_TARGETS"),
        ("QSTASH_TOKEN", "abc", Serve, "QSTASH_TOKEN has 3 characters: use at least 16; make one with"),
        ("QSTASH_TOKEN", "a token\nof two lines", Serve, "QSTASH_TOKEN has a control character"),
        ("ADMIN_TOKEN", "a token\nof two lines, and long enough", Serve, "ADMIN_TOKEN has a control character"),
        ("LOG_FORMAT", "xml", Both, "LOG_FORMAT=\"xml\" is invalid, expected text or json"),
        ("RUST_LOG", "info,=loud", Both, "RUST_LOG=\"info,=loud\" is invalid, expected a level"),
        (
            "AWS_ENDPOINT_URL",
            "localhost",
            Both,
            "AWS_ENDPOINT_URL is not an http or https URL, expected one such as https://example.com",
        ),
        (
            "AWS_ENDPOINT_URL_SECRETS_MANAGER",
            "ftp://x",
            Both,
            "AWS_ENDPOINT_URL_SECRETS_MANAGER is not an http or https URL",
        ),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "s3cret", Both, "OTEL_EXPORTER_OTLP_ENDPOINT must be an http or https URL"),
        (
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            "ftp://x",
            Both,
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT must be an http or https URL",
        ),
        (
            "OTEL_EXPORTER_OTLP_HEADERS",
            "s3cret",
            Both,
            "OTEL_EXPORTER_OTLP_HEADERS must be a comma-separated list of headers as name=value",
        ),
        (
            "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
            "s3cret",
            Both,
            "OTEL_EXPORTER_OTLP_TRACES_HEADERS must be a comma-separated list of headers as name=value",
        ),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", Both, "OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf"),
        (
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
            "s3cret",
            Both,
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL must be http/protobuf",
        ),
        ("OTEL_TRACES_SAMPLER", "s3cret", Both, "OTEL_TRACES_SAMPLER must be always_on, always_off or traceidratio"),
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "s3cret",
            Both,
            "OTEL_RESOURCE_ATTRIBUTES must be a comma-separated list of attributes as key=value",
        ),
        ("OTEL_BSP_SCHEDULE_DELAY", "s3cret", Both, "OTEL_BSP_SCHEDULE_DELAY must be a whole number of at least 1"),
        ("OTEL_BSP_EXPORT_TIMEOUT", "0", Both, "OTEL_BSP_EXPORT_TIMEOUT must be a whole number of at least 1"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "-1", Both, "OTEL_BSP_MAX_QUEUE_SIZE must be a whole number of at least 1"),
        (
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
            "5.5",
            Both,
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE must be a whole number of at least 1",
        ),
        ("OTEL_SDK_DISABLED", "s3cret", Both, "OTEL_SDK_DISABLED must be true or false"),
        ("SIGPOST_DEPLOYMENT", "a\nb", Dev, "SIGPOST_DEPLOYMENT has a control character, expected one line of text"),
        ("FILES_URL", "ftp://x", Dev, "FILES_URL: must be s3://bucket/prefix or file:///folder"),
        ("FILES_URL", "files", Dev, "FILES_URL: must be s3://bucket/prefix or file:///folder"),
        ("FILES_LINK_SECONDS", "604801", Dev, "FILES_LINK_SECONDS=\"604801\" must be a whole number from 1 to 604800"),
        ("FILES_LINK_SECONDS", "0", Dev, "FILES_LINK_SECONDS=\"0\" must be a whole number from 1 to 604800"),
        ("RESEND_API_KEY", "s3cret", Dev, "RESEND_FROM_EMAIL is not set, but RESEND_API_KEY requires it"),
        ("RESEND_FROM_EMAIL", "no-address", Dev, "RESEND_FROM_EMAIL: is not an e-mail address"),
        ("RESEND_REPLY_TO", "no-address", Dev, "RESEND_REPLY_TO: is not an e-mail address"),
        ("RESEND_BASE_URL", "ftp://x", Dev, "RESEND_BASE_URL is not an http or https URL"),
        (
            "RESEND_RATE_LIMIT",
            "0",
            Dev,
            "RESEND_RATE_LIMIT=\"0\" is invalid: number would be zero for non-zero type, expected a whole number of at least 1",
        ),
        ("RESEND_RATE_LIMIT", "fast", Dev, "RESEND_RATE_LIMIT=\"fast\" is invalid: "),
        ("APP_NAME", "a\nb", Dev, "APP_NAME has a control character, expected one line of text"),
        ("APP_SIGNATURE", "a\nb", Dev, "APP_SIGNATURE has a control character, expected one line of text"),
        ("APP_SUPPORT_EMAIL", "help", Dev, "APP_SUPPORT_EMAIL: is not an e-mail address"),
        ("APP_URL", "acme.example", Dev, "APP_URL is not an http or https URL"),
        (
            "APP_URL",
            "https://acme.example/?a",
            Dev,
            "APP_URL=\"https://acme.example/?a\": must not have a query or a fragment",
        ),
        ("RESEND_WEBHOOK_SECRET", "s3cret", Dev, "RESEND_WEBHOOK_SECRET: secret 1 must be whsec_ followed by base64"),
        ("ALERT_RULES", "queue-dept=5", Both, "ALERT_RULES: unknown rule \"queue-dept\""),
        ("ALERT_RULES", "queue-depth=-5", Both, "ALERT_RULES: queue-depth: \"-5\" must be a number over 0"),
        ("ALERT_EXPECT", "send-email", Dev, "ALERT_EXPECT: \"send-email\" must be JOB_TYPE=PERIOD"),
        ("ALERT_EXPECT", "send-email=1s", Dev, "ALERT_EXPECT: send-email: must be a minute or more"),
        ("ALERT_EMAIL_TO", "ops@acme.example,no-address", Dev, "ALERT_EMAIL_TO[1]: is not an e-mail address"),
        ("SLACK_WEBHOOK_URL", "s3cret", Dev, "SLACK_WEBHOOK_URL is not an http or https URL"),
        ("PAGERDUTY_URL", "ftp://x", Dev, "PAGERDUTY_URL is not an http or https URL"),
        ("RUNBOOK_URL", "a\nb", Dev, "RUNBOOK_URL has a control character, expected one line of text"),
        ("BASE_URL", "ftp://x", Neither, "BASE_URL: "),
        ("BASE_URL", "https://a.example/?b", Neither, "BASE_URL: must have neither a query nor a fragment"),
        ("JOB_URLS", "send-email", Neither, "JOB_URLS: must be a list of type=url"),
        ("JOB_URLS", "send-email=ftp://x", Neither, "JOB_URLS: send-email: "),
        ("JOB_SEALING_KEYS", "s3cret", Neither, "JOB_SEALING_KEYS: "),
        ("ADMIN_AUTH", "foo", Neither, "ADMIN_AUTH=\"foo\": must be token or iam"),
        ("ADMIN_AUTH", "iam", Neither, "ADMIN_AUTH=iam: only Lambda checks signatures"),
        ("QSTASH_URL", "localhost", Neither, "QSTASH_URL is not an http or https URL"),
    ]
};

/// `config check` and the start of the program that reads a setting reject the same values with the same text.
#[test]
fn a_wrong_value_is_an_error_of_config_check_and_of_the_start() {
    let run = |arguments: &[&str], variable: &str, value: &str| {
        let mut command = sigpost(arguments);
        command.env("DATABASE_URL", "postgres://localhost/none").env("QSTASH_TOKEN", "a-token-of-my-own");
        command.env(variable, value);
        finished(command)
    };
    for (variable, value, starts, text) in WRONG {
        let checked = run(&["config", "check", "--json"], variable, value);
        assert_eq!(checked.status.code(), Some(1), "{variable}={value}: {}", stderr(&checked));
        let shown: Value = serde_json::from_slice(&checked.stdout).expect("JSON");
        let problems = shown["problems"].as_array().expect("problems");
        let found = problems.iter().find(|problem| problem["text"].as_str().is_some_and(|said| said.starts_with(text)));
        let found = found.unwrap_or_else(|| panic!("{variable}={value}: {problems:?}"));
        assert_eq!(found["severity"], "error");
        let names_it = found["setting"].as_str().is_some_and(|setting| text.contains(setting));
        assert!(names_it, "{variable}: {found}");
        assert!(!shown["problems"].to_string().contains("s3cret"), "{shown}");

        let programs: &[&str] = match starts {
            Starts::Serve => &["serve"],
            Starts::Dev => &["dev"],
            Starts::Both => &["serve", "dev"],
            Starts::Neither => &[],
        };
        for program in programs {
            let started = run(&[program], variable, value);
            assert_eq!(started.status.code(), Some(1), "{program} with {variable}={value}: {}", stderr(&started));
            let said = stderr(&started);
            assert!(said.contains(text) && !said.contains("s3cret"), "{program} with {variable}={value}: {said}");
        }
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
        "MAX_IN_FLIGHT=\"many\" is invalid",
        "SHUTDOWN_GRACE_SECONDS=40 is not less than TERMINATION_GRACE_SECONDS=30",
        "SCHEDULE_TARGET_ARN is not set",
        "SCHEDULE_ROLE_ARN is not set",
    ] {
        assert!(checked.contains(&format!("error: {said}")), "{said}: {checked}");
        assert!(served.contains(&format!("  - {said}")), "{said}: {served}");
    }
    assert!(checked.contains("5 errors, 0 warnings"), "{checked}");
}
