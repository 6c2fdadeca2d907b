//! The dispatch function in Lambda.
//!
//! ```text
//! Lambda ---event---> runtime: answer --+--> posted, the caller has it
//!    |                                  |
//!    +---INVOKE---> extension: wait ----+--> visit: look, push, record ---> next
//! ```
//!
//! The next event of an environment comes when the runtime and the extension have asked for it. So the
//! extension, which is a part of this process, is what keeps it from being frozen while it delivers.

mod answer;
mod event;
mod extension;
mod further;
mod process;
mod publish;

use std::sync::Arc;

use anyhow::{Result, anyhow};
use lambda_http::lambda_runtime::Runtime;
use sigpost_runtime::serve;

use crate::Config;
use answer::Answering;
use extension::{Answered, AnsweredLayer};
pub(crate) use further::invoke_again;
use process::Process;

/// Lambda's loop, until the environment is taken down. On managed instances, which are not frozen
/// between events, without the extension: there the engine runs all the time.
pub(crate) async fn serve(config: Config) -> Result<()> {
    let ended = |why: lambda_http::Error| anyhow!("the Lambda runtime ended: {why}");
    let process = Process::start(config);
    let runtime = Runtime::new(Answering(Arc::clone(&process)));
    let served = if serve::is_concurrent() {
        tokio::select! {
            served = runtime.run_concurrent() => served.map_err(ended),
            () = serve::terminated() => Ok(()),
        }
    } else {
        let answered = Arc::new(Answered::default());
        // Before the runtime asks for its first event: afterwards nobody can register.
        let extension = extension::register(Arc::clone(&process), Arc::clone(&answered)).await?;
        tokio::select! {
            served = runtime.layer(AnsweredLayer(answered)).run() => served.map_err(ended),
            served = extension => served,
            () = serve::terminated() => Ok(()),
        }
    };
    if let Some(app) = process.app() {
        app.shutdown().await;
    }
    served
}
