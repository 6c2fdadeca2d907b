//! The handler.

use sigpost_jobs::{Handler, JobContext, JobError, Outcome};

use crate::job::OwnHandler;

/// Runs `own-handler`.
pub struct Worker;

impl Handler for Worker {
    type Job = OwnHandler;

    // A message may be delivered again: use `ctx.once` and `ctx.commit` for side effects.
    async fn run(&self, job: OwnHandler, _ctx: &JobContext) -> Result<Outcome, JobError> {
        Ok(Outcome::with(greeting(&job)))
    }
}

fn greeting(job: &OwnHandler) -> String {
    format!("Hello, {}!", job.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greeting_has_the_name() {
        assert_eq!(greeting(&OwnHandler { name: "Ada".into() }), "Hello, Ada!");
    }
}
