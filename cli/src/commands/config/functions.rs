//! What is wrong with the settings of the programs that `serve` does not run: what each of them reads at its
//! start, as far as it is set.

use sigpost_jobs::Harness;
use sigpost_runtime::Reading;
use sigpost_runtime::settings::Problem;

/// Reads the settings of a program. What is wrong is noted.
type Read = fn(&mut Reading);

/// A base URL like that of `sigpost dev`.
const HERE: &str = "http://localhost:8080";

/// What the functions read in `sigpost dev` as well.
const IN_DEV: [Read; 5] = [
    |reading| drop(send_email::Config::read_for_dev(reading)),
    |reading| drop(process_stripe_webhook::Config::read_for_dev(reading, HERE)),
    |reading| drop(ingress::Config::read_for_dev(reading, HERE)),
    |reading| drop(check_job_health::Config::read(reading)),
    |reading| drop(sigpost_files::Config::read(reading)),
];

/// What they read only as programs of their own.
const DEPLOYED: [Read; 3] = [
    |reading| drop(Harness::read(reading)),
    |reading| drop(ingress::Config::read(reading)),
    |reading| drop(admin::Config::read(reading)),
];

/// What `sigpost dev` would not start with.
pub(crate) fn of_dev() -> Vec<Problem> {
    let mut reading = Reading::as_far_as_set();
    IN_DEV.iter().for_each(|read| read(&mut reading));
    reading.problems
}

/// All problems there are. A required setting that is not set is none: its program may not run here.
pub(super) fn problems() -> Vec<Problem> {
    let mut reading = Reading::as_far_as_set();
    IN_DEV.iter().chain(&DEPLOYED).for_each(|read| read(&mut reading));
    reading.problems
}
