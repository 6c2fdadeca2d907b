use serde::{Deserialize, Serialize};
use sigpost_jobs::{Handler, Job, JobContext, JobError, Outcome};

#[derive(Serialize, Deserialize)]
pub struct Greet {
    pub name: String,
}

impl Job for Greet {
    const TYPE: &'static str = "greet";
    const ENDPOINT: &'static str = "/api/jobs/greet";
}

pub struct Greeter;

impl Handler for Greeter {
    type Job = Greet;

    async fn run(&self, job: Greet, _ctx: &JobContext) -> Result<Outcome, JobError> {
        Ok(Outcome::with(format!("Hello, {}!", job.name)))
    }
}
