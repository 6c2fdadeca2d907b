//! Definition of a function, and errors of its invocations.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

/// Definition of a function.
#[derive(Clone, Debug)]
pub struct Definition {
    /// Program of the runtime.
    pub program: PathBuf,
    /// Environment variables. Lambda's are added; no others are inherited.
    pub variables: HashMap<String, String>,
    /// Timeout of an invocation, including the time after its response.
    pub timeout: Duration,
    /// Maximum number of environments (reserved concurrency).
    pub concurrency: usize,
    /// On managed instances: maximum number of concurrent invocations per environment. `None` otherwise.
    pub managed: Option<usize>,
    /// Whether the log goes to that of this process or is discarded.
    pub log: bool,
}

/// Error of an invocation.
#[derive(Debug, thiserror::Error)]
pub enum Rejected {
    /// The concurrency limit is reached: 429.
    #[error("the function is throttled")]
    Throttled,
    /// The function reported this error, as JSON.
    #[error("the function failed: {0}")]
    Failed(String),
    /// The process ended or timed out.
    #[error("the environment ended before its response")]
    Died,
    /// On managed instances: the invocation timed out and continues.
    #[error("the invocation timed out")]
    TimedOut,
    /// The program could not be started.
    #[error("cannot start the environment: {0}")]
    NotStarted(#[from] std::io::Error),
}

impl Definition {
    /// Returns the command of a new environment whose API is at this address.
    pub(crate) fn command(&self, api: SocketAddr) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env_clear()
            .envs(&self.variables)
            .env("AWS_LAMBDA_RUNTIME_API", api.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "sigpost")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        if let Some(most) = self.managed {
            command
                .env("AWS_LAMBDA_INITIALIZATION_TYPE", "lambda-managed-instances")
                .env("AWS_LAMBDA_MAX_CONCURRENCY", most.to_string());
        }
        if !self.log {
            command.stdout(Stdio::null()).stderr(Stdio::null());
        }
        command
    }
}
