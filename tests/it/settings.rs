//! Programs check their settings at their start. The tests of `sigpost config check` have all rules.

use std::process::{Command, Output};

use sigpost_runtime::settings::{SECTIONS, Section, Setting};

use crate::support::{read, repository};

const HANDLERS: [&str; 2] = [env!("CARGO_BIN_EXE_email-handler"), env!("CARGO_BIN_EXE_export-handler")];
const ADMIN: &str = env!("CARGO_BIN_EXE_admin-function");
const DISPATCHER: &str = env!("CARGO_BIN_EXE_killable-dispatcher");

/// Runs a program with all required settings and this one changed. Returns how it ended.
fn started(program: &str, changed: &[(&str, &str)]) -> Output {
    let mut command = Command::new(program);
    command.env_clear().envs([
        ("DATABASE_URL", "postgres://u:s3cret@127.0.0.1:1/none"),
        ("QSTASH_TOKEN", "a-token-of-my-own"),
        ("QSTASH_CURRENT_SIGNING_KEY", "sig_current_of_thirty-two_bytes_s3cret"),
        ("QSTASH_NEXT_SIGNING_KEY", "sig_next_of_thirty-two_bytes_s3cret"),
        ("BASE_URL", "https://acme.example"),
        ("FILES_URL", "s3://bucket/prefix"),
        ("AWS_REGION", "eu-central-1"),
        ("RESEND_API_KEY", "s3cret"),
        ("RESEND_FROM_EMAIL", "Acme <hello@acme.example>"),
        ("ADMIN_TOKEN", "an-admin-token-of-32-characters-s3cret"),
    ]);
    command.envs(changed.iter().copied()).output().expect("the program starts")
}

fn assert_rejected(program: &str, setting: &str, value: &str, text: &str) {
    let output = started(program, &[(setting, value)]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{program} with {setting}={value}: {said}");
    assert!(said.contains(text) && !said.contains("s3cret"), "{program} with {setting}={value}: {said}");
}

#[test]
fn programs_reject_invalid_common_settings() {
    for (setting, value, text) in [
        ("DATABASE_URL", "", "DATABASE_URL is not set"),
        ("DATABASE_URL", "mysql://u:s3cret@h/d", "DATABASE_URL cannot be read: "),
        ("DATABASE_URL", "postgres://u:s3cret@h:port/d", "DATABASE_URL cannot be read: "),
        ("DATABASE_CONNECTIONS", "0", "DATABASE_CONNECTIONS must be at least 1"),
        ("LISTEN", "nowhere", "LISTEN=\"nowhere\" is invalid: "),
        ("MAX_CONNECTIONS_PER_ADDRESS", "0", "MAX_CONNECTIONS_PER_ADDRESS=\"0\" is invalid: "),
        ("LOG_FORMAT", "xml", "LOG_FORMAT=\"xml\" is invalid, expected text or json"),
        ("RUST_LOG", "=loud", "RUST_LOG=\"=loud\" is invalid"),
        ("OTEL_BSP_SCHEDULE_DELAY", "s3cret", "OTEL_BSP_SCHEDULE_DELAY must be a whole number of at least 1"),
        ("OTEL_TRACES_SAMPLER", "s3cret", "OTEL_TRACES_SAMPLER must be always_on"),
    ] {
        for program in HANDLERS.into_iter().chain([ADMIN, DISPATCHER]) {
            assert_rejected(program, setting, value, text);
        }
    }
}

#[test]
fn handlers_reject_invalid_handler_settings() {
    for (setting, value, text) in [
        ("BASE_URL", "", "BASE_URL is not set"),
        ("BASE_URL", "ftp://x", "BASE_URL: "),
        ("JOB_URLS", "send-email=ftp://x", "JOB_URLS: send-email: "),
        ("JOB_SEALING_KEYS", "s3cret", "JOB_SEALING_KEYS: "),
        ("QSTASH_NEXT_SIGNING_KEY", "", "QSTASH_NEXT_SIGNING_KEY is not set"),
        ("MAX_BODY_BYTES", "0", "MAX_BODY_BYTES must be at least 1"),
        ("MAX_BODY_BYTES", "10MB", "MAX_BODY_BYTES=\"10MB\" is invalid: "),
    ] {
        for program in HANDLERS {
            assert_rejected(program, setting, value, text);
        }
    }
    let [email, export] = HANDLERS;
    for (program, setting, value, text) in [
        (email, "RESEND_API_KEY", "", "RESEND_API_KEY is not set"),
        (email, "RESEND_FROM_EMAIL", "no-address", "RESEND_FROM_EMAIL: is not an e-mail address"),
        (email, "RESEND_RATE_LIMIT", "0", "RESEND_RATE_LIMIT=\"0\" is invalid: "),
        (export, "FILES_URL", "ftp://x", "FILES_URL: must be s3://bucket/prefix or file:///folder"),
        (
            export,
            "FILES_LINK_SECONDS",
            "604801",
            "FILES_LINK_SECONDS=\"604801\" must be a whole number from 1 to 604800",
        ),
        (ADMIN, "ADMIN_AUTH", "foo", "ADMIN_AUTH=\"foo\": must be token or iam"),
        (ADMIN, "ADMIN_TOKEN", "short", "ADMIN_TOKEN has 5 characters: use at least 32"),
        (ADMIN, "QSTASH_URL", "localhost", "QSTASH_URL is not an http or https URL"),
        (DISPATCHER, "MAX_IN_FLIGHT", "0", "MAX_IN_FLIGHT must be at least 1"),
    ] {
        assert_rejected(program, setting, value, text);
    }
}

#[test]
fn all_invalid_settings_are_reported_together() {
    let wrong = [("DATABASE_URL", "mysql://x"), ("BASE_URL", ""), ("FILES_URL", "ftp://x"), ("LOG_FORMAT", "xml")];
    let output = started(HANDLERS[1], &wrong);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("4 invalid settings:"), "{said}");
    for (setting, _) in wrong {
        assert!(said.contains(&format!("  - {setting}")), "{setting}: {said}");
    }
}

/// Returns the page of the reference with the table of each section written anew.
fn with_tables(page: &str) -> String {
    SECTIONS.iter().fold(page.to_owned(), |page, section| {
        let heading = format!("\n## {}\n", section.title);
        let (before, rest) = page.split_once(&heading).unwrap_or_else(|| panic!("no section {}", section.title));
        let (prose, rest) = rest.split_once("| variable").expect("a table");
        let after = rest.split_once("\n\n").map(|(_, after)| format!("\n{after}")).unwrap_or_default();
        format!("{before}{heading}{prose}{}{after}", table(section))
    })
}

fn table(section: &Section) -> String {
    let head = "| variable | meaning | programs | default | allowed form |\n|---|---|---|---|---|\n";
    head.to_owned() + &section.settings.iter().map(row).collect::<String>()
}

fn row(setting: &Setting) -> String {
    let Setting { name, meaning, programs, form, .. } = setting;
    let secret = if setting.is_secret { " Secret." } else { "" };
    let programs: Vec<String> = programs.iter().map(ToString::to_string).collect();
    let required = setting.is_required.then(|| "required".to_owned());
    let default = setting.default.map(|default| format!("`{default}`"));
    let others = setting.other_defaults.iter().map(|(place, default)| format!("{place}: `{default}`"));
    let default: Vec<String> = required.into_iter().chain(default).chain(others).collect();
    format!("| `{name}` | {meaning}{secret} | {} | {} | {form} |\n", programs.join(", "), default.join(", "))
}

/// Fails with the command that updates the page, or updates it if `SIGPOST_RENEW_SETTINGS` is set.
#[test]
fn reference_of_settings_is_generated_from_their_definitions() {
    let path = repository("docs/src/reference/settings.md");
    let page = read(&path);
    let generated = with_tables(&page);
    if std::env::var_os("SIGPOST_RENEW_SETTINGS").is_some() {
        std::fs::write(path, generated).expect("written");
        return;
    }
    let changed = "the definition of a setting has changed: run SIGPOST_RENEW_SETTINGS=1 cargo test -p tests --test it -- \
                   reference_of_settings, and review the diff of docs/src/reference/settings.md";
    assert!(page == generated, "{changed}");
}
