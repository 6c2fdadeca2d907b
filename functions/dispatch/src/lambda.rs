//! The dispatch function in Lambda.
//!
//! ```text
//! Lambda ---event---> runtime: response -+--> posted to the caller
//!    |                                   |
//!    +---INVOKE---> extension: wait -----+--> visit: claim, deliver, record ---> next
//! ```
//!
//! An environment gets its next event, or is frozen, when both the runtime and the extension have requested the next
//! event. So the internal extension keeps the environment running while it delivers.

mod answer;
mod event;
mod extension;
mod managed;
mod process;
mod publish;

use std::sync::Arc;

use anyhow::{Result, anyhow};
use lambda_http::lambda_runtime::Runtime;
use sigpost_runtime::{env, serve, traces};

use crate::Config;
use answer::Answering;
use extension::{Answered, AnsweredLayer};
use process::Process;

/// Handles events until the environment shuts down.
pub(crate) async fn serve(config: Config) -> Result<()> {
    let process = Process::start(config);
    let served = if env::on_managed_instances() {
        managed::serve(&process).await
    } else {
        Box::pin(serve_visits(&process)).await
    };
    if let Some(app) = process.app() {
        app.shutdown().await;
        app.dispatcher().inspect(|dispatcher| dispatcher.emit_counts());
    }
    traces::flush().await;
    served
}

/// Handles events in an environment that is frozen between events.
async fn serve_visits(process: &Arc<Process>) -> Result<()> {
    let answered = Arc::new(Answered::default());
    // Extensions can register only before the runtime requests its first event.
    let extension = extension::register(Arc::clone(process), Arc::clone(&answered)).await?;
    let runtime = Runtime::new(Answering(Arc::clone(process))).layer(AnsweredLayer(answered));
    tokio::select! {
        served = runtime.run() => served.map_err(|why| ended(&why)),
        served = extension => served,
        () = serve::terminated() => Ok(()),
    }
}

fn ended(why: &lambda_http::Error) -> anyhow::Error {
    anyhow!("the Lambda runtime ended: {why}")
}
