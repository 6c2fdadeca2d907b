//! On managed instances: several events at once, and never frozen in between. So there are no visits: the
//! engine runs all the time, as in `sigpost serve`.

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

/// How often what came of deliveries is told to CloudWatch.
const TELL: Duration = Duration::from_secs(60);

/// Lambda's loop.
pub(super) async fn serve(process: &Arc<Process>) -> Result<()> {
    // Before the runtime asks for its first event: afterwards nobody can register.
    ask_for_a_signal().await;
    let runtime = Runtime::new(Answering(Arc::clone(process)));
    tokio::select! {
        served = runtime.run_concurrent() => served.map_err(|why| ended(&why)),
        () = tell_what_came_of_deliveries(process) => Ok(()),
        () = serve::terminated() => Ok(()),
    }
}

/// Registers an extension for no event: where there is one, Lambda sends a SIGTERM before it takes a
/// process down, and what is in flight can be recorded. Without it leases run out instead.
async fn ask_for_a_signal() {
    let extension = Extension::new().with_extension_name("sigpost-shutdown").with_events(&[]);
    match extension.register().await {
        Ok(extension) => drop(tokio::spawn(extension.run())),
        Err(error) => {
            tracing::warn!(%error, "registering for SIGTERM failed; leases expire if Lambda stops this process")
        }
    }
}

/// Does not end.
async fn tell_what_came_of_deliveries(process: &Process) {
    let mut ticks = interval(TELL);
    loop {
        ticks.tick().await;
        process.app().and_then(App::engine).inspect(|engine| engine.emit_counts());
    }
}
