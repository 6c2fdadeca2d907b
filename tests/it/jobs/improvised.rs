//! A handler from a closure of the test.

use sigpost_jobs::{Handler, JobContext, JobError, Outcome};

use super::actor::Play;
use super::deployment::Deployment;

struct Improvised<F>(F);

impl<F, Fut> Handler for Improvised<F>
where
    F: Fn(Play, JobContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Outcome, JobError>> + Send,
{
    type Job = Play;

    async fn run(&self, job: Play, ctx: &JobContext) -> Result<Outcome, JobError> {
        (self.0)(job, ctx.clone()).await
    }
}

/// Starts a deployment whose only handler is this closure.
pub(crate) async fn running<F, Fut>(run: F) -> Deployment
where
    F: Fn(Play, JobContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Outcome, JobError>> + Send + 'static,
{
    Deployment::start(|harness| sigpost_jobs::router(Improvised(run), harness)).await
}
