//! Managed instances handle events concurrently and are never frozen. So there are no visits: the dispatcher runs
//! continuously, as in `sigpost serve`.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use lambda_extension::Extension;
use lambda_http::lambda_runtime::Runtime;
use sigpost_runtime::serve;
use tokio::time::interval;

use super::answer::Answering;
use super::ended;
use super::process::Process;
use crate::App;

/// How often delivery counts are sent to CloudWatch.
const TELL: Duration = Duration::from_secs(60);

/// Handles events until SIGTERM.
pub(super) async fn serve(process: &Arc<Process>) -> Result<()> {
    // Extensions can register only before the runtime requests its first event.
    ask_for_a_signal().await;
    let runtime = Runtime::new(Answering(Arc::clone(process)));
    tokio::select! {
        served = runtime.run_concurrent() => served.map_err(|why| ended(&why)),
        () = tell_what_came_of_deliveries(process) => Ok(()),
        () = serve::terminated() => Ok(()),
    }
}

/// Registers an extension without events: with an extension, Lambda sends SIGTERM before it stops a process, so that
/// deliveries in flight can be recorded. Otherwise their leases expire.
async fn ask_for_a_signal() {
    let extension = Extension::new().with_extension_name("sigpost-shutdown").with_events(&[]);
    match extension.register().await {
        Ok(extension) => drop(tokio::spawn(extension.run())),
        Err(error) => {
            tracing::warn!(%error, "registering for SIGTERM failed; leases expire if Lambda stops this process")
        }
    }
}

/// Sends counts to CloudWatch periodically. Never returns.
async fn tell_what_came_of_deliveries(process: &Process) {
    let mut ticks = interval(TELL);
    loop {
        ticks.tick().await;
        process.app().and_then(App::dispatcher).inspect(|dispatcher| dispatcher.emit_counts());
    }
}
