//! Lists of settings: those of `sigpost serve`, and those of the other functions only. A test compares them with the
//! code that reads them.

use dispatch::Deduplicating;
use dispatch::engine::Settings as Engine;
use send_email::Brand;
use sigpost_qstash::Limits;

/// An environment variable.
pub(super) struct Setting {
    pub(super) name: &'static str,
    /// Default value, if there is one.
    pub(super) default: fn() -> Option<String>,
    /// The value is never printed.
    pub(super) is_secret: bool,
}

const fn setting(name: &'static str, default: fn() -> Option<String>) -> Setting {
    Setting { name, default, is_secret: false }
}

const fn plain(name: &'static str) -> Setting {
    setting(name, || None)
}

const fn secret(name: &'static str) -> Setting {
    Setting { is_secret: true, ..plain(name) }
}

/// Settings of `sigpost serve`. The variables of AWS come last; they apply if a setting needs AWS.
pub(super) const SERVE: [Setting; 54] = [
    secret("DATABASE_URL"),
    secret("DATABASE_PASSWORD"),
    setting("DATABASE_CONNECTIONS", || Some("8".into())),
    secret("QSTASH_TOKEN"),
    secret("QSTASH_CURRENT_SIGNING_KEY"),
    secret("QSTASH_NEXT_SIGNING_KEY"),
    secret("ADMIN_TOKEN"),
    setting("LISTEN", || Some("127.0.0.1:8080".into())),
    setting("MAX_CONNECTIONS_PER_ADDRESS", || Some("1024".into())),
    plain("ALLOW_TARGETS"),
    setting("API_RATE_LIMIT_PER_SECOND", || Some(dispatch::config::API_RATE_LIMIT.to_string())),
    setting("MAX_BODY_BYTES", || Some(Limits::default().max_body_bytes.to_string())),
    setting("MAX_IN_FLIGHT", || Some(Engine::default().max_in_flight.to_string())),
    setting("MAX_DISPATCHERS", || Some(Engine::default().max_dispatchers.to_string())),
    setting("LEASE_SECONDS", || Some(Engine::default().lease.as_secs().to_string())),
    setting("LONGEST_ATTEMPT_SECONDS", || Some(Engine::default().longest_attempt.as_secs().to_string())),
    setting("SHUTDOWN_GRACE_SECONDS", || Some(Engine::default().grace.as_secs().to_string())),
    plain("TERMINATION_GRACE_SECONDS"),
    setting("DEDUPLICATION_WINDOW_SECONDS", || Some(Deduplicating::default().window.as_secs().to_string())),
    setting("DEDUPLICATION_RELEASE_ON_FAILURE", || Some("false".into())),
    plain("SCHEDULE_GROUP"),
    plain("SCHEDULE_TARGET_ARN"),
    plain("SCHEDULE_ROLE_ARN"),
    plain("SCHEDULE_DEAD_LETTER_ARN"),
    plain("SIGV4_TARGETS"),
    setting("RUST_LOG", || Some("info".into())),
    setting("LOG_FORMAT", || Some("text".into())),
    plain("OTEL_EXPORTER_OTLP_ENDPOINT"),
    plain("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
    secret("OTEL_EXPORTER_OTLP_HEADERS"),
    secret("OTEL_EXPORTER_OTLP_TRACES_HEADERS"),
    setting("OTEL_EXPORTER_OTLP_PROTOCOL", || Some("http/protobuf".into())),
    plain("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"),
    setting("OTEL_SERVICE_NAME", || Some("sigpost".into())),
    setting("OTEL_TRACES_SAMPLER", || Some("parentbased_always_on".into())),
    plain("OTEL_TRACES_SAMPLER_ARG"),
    setting("OTEL_SDK_DISABLED", || Some("false".into())),
    plain("OTEL_RESOURCE_ATTRIBUTES"),
    setting("OTEL_BSP_SCHEDULE_DELAY", || Some("5000".into())),
    setting("OTEL_BSP_EXPORT_TIMEOUT", || Some("30000".into())),
    setting("OTEL_BSP_MAX_QUEUE_SIZE", || Some("2048".into())),
    setting("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", || Some("512".into())),
    plain("SIGPOST_DEPLOYMENT"),
    plain("AWS_REGION"),
    plain("AWS_DEFAULT_REGION"),
    secret("AWS_ACCESS_KEY_ID"),
    secret("AWS_SECRET_ACCESS_KEY"),
    secret("AWS_SESSION_TOKEN"),
    plain("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
    plain("AWS_CONTAINER_CREDENTIALS_FULL_URI"),
    plain("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"),
    secret("AWS_CONTAINER_AUTHORIZATION_TOKEN"),
    plain("AWS_ENDPOINT_URL"),
    plain("AWS_ENDPOINT_URL_SECRETS_MANAGER"),
];

/// Settings of handlers, `ingress` and `admin` (in Lambda or in `sigpost dev`) that `serve` does not read.
pub(super) const OTHER_FUNCTIONS: [Setting; 25] = [
    plain("BASE_URL"),
    plain("JOB_URLS"),
    secret("JOB_SEALING_KEYS"),
    plain("QSTASH_URL"),
    plain("FILES_URL"),
    setting("FILES_LINK_SECONDS", || Some(sigpost_files::LINK_VALID.as_secs().to_string())),
    secret("RESEND_API_KEY"),
    plain("RESEND_FROM_EMAIL"),
    plain("RESEND_REPLY_TO"),
    setting("RESEND_BASE_URL", || Some(send_email::RESEND_URL.into())),
    plain("RESEND_RATE_LIMIT"),
    setting("APP_NAME", || Some(Brand::default().name)),
    plain("APP_SIGNATURE"),
    plain("APP_SUPPORT_EMAIL"),
    plain("APP_URL"),
    secret("STRIPE_WEBHOOK_SECRET"),
    secret("RESEND_WEBHOOK_SECRET"),
    plain("ALERT_RULES"),
    plain("ALERT_EXPECT"),
    secret("SLACK_WEBHOOK_URL"),
    secret("PAGERDUTY_ROUTING_KEY"),
    setting("PAGERDUTY_URL", || Some(check_job_health::PAGERDUTY_URL.into())),
    plain("ALERT_EMAIL_TO"),
    setting("RUNBOOK_URL", || Some(check_job_health::RUNBOOK_URL.into())),
    plain("ADMIN_AUTH"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::{OTHER_FUNCTIONS, SERVE, Setting};

    /// Settings whose name is not a string literal in the searched code: clap and the log filter read them.
    const READ_ELSEWHERE: [&str; 2] = ["LISTEN", "RUST_LOG"];
    /// Variables that Lambda sets for its functions.
    const NO_SETTINGS: [&str; 3] =
        ["AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"];
    /// Strings that look like the name of a variable.
    const OTHERS: [&str; 2] = ["CANCEL_REQUESTED", "IN_PROGRESS"];

    /// Returns the source text below a path, without tests.
    fn source(path: &Path) -> String {
        if !path.is_dir() {
            let text = std::fs::read_to_string(path).expect("a file");
            return text.split("#[cfg(test)]").next().unwrap_or_default().to_owned();
        }
        let entries = std::fs::read_dir(path).expect("a folder").map(|entry| entry.expect("an entry").path());
        entries.filter(|path| !path.ends_with("tests.rs")).map(|path| source(&path)).collect()
    }

    fn read_in(paths: &[&str]) -> BTreeSet<String> {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository");
        let code: String = paths.iter().map(|path| source(&repository.join(path))).collect();
        let is_name = |text: &&str| {
            text.contains('_') && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
        };
        let ignored = |name: &&str| {
            NO_SETTINGS.contains(name) || OTHERS.contains(name) || name.starts_with("CARGO_") || name.ends_with('_')
        };
        code.split('"').filter(is_name).filter(|name| !ignored(name)).map(str::to_owned).collect()
    }

    fn names(settings: &[Setting]) -> BTreeSet<String> {
        settings.iter().map(|setting| setting.name.to_owned()).collect()
    }

    /// Settings that only the CLI and its development database read.
    const OF_THE_CLI: [&str; 6] =
        ["SIGPOST_DATA_DIR", "SIGPOST_DEV_DATABASE_URL", "ADMIN_URL", "ADMIN_IAM", "NO_COLOR", "PG_BIN"];

    #[test]
    fn page_of_the_settings_has_each_with_its_default() {
        let page = include_str!("../../../../docs/src/reference/settings.md");
        let rows: Vec<Vec<&str>> = page
            .lines()
            .filter(|line| line.starts_with("| `"))
            .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
            .collect();
        let of_page: BTreeSet<String> = rows.iter().map(|row| row[0].trim_matches('`').to_owned()).collect();
        assert_eq!(of_page.len(), rows.len(), "a setting is there twice");
        let all = || SERVE.iter().chain(&OTHER_FUNCTIONS);
        let of_code: BTreeSet<String> =
            all().map(|setting| setting.name).chain(OF_THE_CLI).map(str::to_owned).collect();
        let differ: Vec<_> = of_code.symmetric_difference(&of_page).collect();
        assert!(differ.is_empty(), "{differ:?}");
        for setting in all() {
            let row = rows.iter().find(|row| row[0].trim_matches('`') == setting.name).expect("the row");
            let [_, programs, default, form] = row[..] else { panic!("{row:?} has not four cells") };
            assert!(!programs.is_empty() && !form.is_empty(), "{row:?}");
            let expected = (setting.default)().map(|default| format!("`{default}`")).unwrap_or_default();
            assert!(default == expected || expected.is_empty() && default == "required", "{row:?}: {expected}");
        }
    }

    #[test]
    fn every_setting_that_is_read_is_in_a_list_and_no_other() {
        let mut by_serve =
            read_in(&["shared/runtime/src", "shared/store/src", "functions/dispatch/src", "cli/src/commands/serve.rs"]);
        by_serve.extend(READ_ELSEWHERE.map(str::to_owned));
        let differ: Vec<String> = names(&SERVE).symmetric_difference(&by_serve).cloned().collect();
        assert!(differ.is_empty(), "{differ:?}");
        let by_others = read_in(&["shared/jobs/src", "shared/files/src", "functions"]);
        let besides: BTreeSet<String> = by_others.difference(&by_serve).cloned().collect();
        let differ: Vec<String> = names(&OTHER_FUNCTIONS).symmetric_difference(&besides).cloned().collect();
        assert!(differ.is_empty(), "{differ:?}");
    }
}
