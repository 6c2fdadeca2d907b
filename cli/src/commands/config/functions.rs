//! What is wrong with the settings of the functions that `serve` does not run.

use anyhow::Result;
use dispatch::config::Problem;
use sigpost_jobs::Handlers;
use sigpost_runtime::env;

/// Reads settings; an error is the first that is malformed. None has to be there, as `serve` may run where no handler does.
type Read = fn() -> Result<()>;

/// Who reads settings of its own.
const READERS: [(&str, Read); 5] = [
    ("handlers", || match env::var("BASE_URL")?.or(env::var("JOB_URLS")?) {
        Some(_) => Handlers::from_env().map(drop),
        None => Ok(()),
    }),
    ("send-email", || send_email::Config::for_dev().map(drop)),
    ("process-stripe-webhook", || process_stripe_webhook::Config::for_dev(HERE).map(drop)),
    ("ingress", || ingress::Config::for_dev(HERE).map(drop)),
    ("check-job-health", || check_job_health::Config::from_env().map(drop)),
];

/// A base URL like that of `sigpost dev`.
const HERE: &str = "http://localhost:8080";

/// Warnings: `serve` starts with any of them.
pub(super) fn problems() -> Vec<Problem> {
    let wrong = READERS.iter().filter_map(|(who, read)| Some((who, read().err()?)));
    wrong.map(|(who, why)| Problem::warning(who, format!("{who} does not start: {why:#}"))).collect()
}
