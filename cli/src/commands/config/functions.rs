//! Settings errors of the programs that `serve` does not run. Each program reads its settings as it does at its start;
//! unset required settings are not errors here.

use sigpost_jobs::Harness;
use sigpost_runtime::Reading;
use sigpost_runtime::settings::Problem;

/// Reads the settings of a program and records its problems.
type Read = fn(&mut Reading);

/// Base URL, as in `sigpost dev`.
const HERE: &str = "http://localhost:8080";

/// Settings that functions read both in `sigpost dev` and as programs of their own.
const IN_DEV: [Read; 5] = [
    |reading| drop(send_email::Config::read_for_dev(reading)),
    |reading| drop(process_stripe_webhook::Config::read_for_dev(reading, HERE)),
    |reading| drop(ingress::Config::read_for_dev(reading, HERE)),
    |reading| drop(check_job_health::Config::read(reading)),
    |reading| drop(sigpost_files::Config::read(reading)),
];

/// Settings that functions read only as programs of their own.
const DEPLOYED: [Read; 3] = [
    |reading| drop(Harness::read(reading)),
    |reading| drop(ingress::Config::read(reading)),
    |reading| drop(admin::Config::read(reading)),
];

/// Returns the settings problems that prevent the start of `sigpost dev`.
pub(crate) fn of_dev() -> Vec<Problem> {
    let mut reading = Reading::as_far_as_set();
    IN_DEV.iter().for_each(|read| read(&mut reading));
    reading.problems
}

/// Returns all problems. An unset required setting is not a problem: its program may run elsewhere.
pub(super) fn problems() -> Vec<Problem> {
    let mut reading = Reading::as_far_as_set();
    IN_DEV.iter().chain(&DEPLOYED).for_each(|read| read(&mut reading));
    reading.problems
}
