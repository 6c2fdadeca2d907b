//! A function and its environments.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;

use crate::environment::Environment;

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
pub enum Refused {
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

/// A function that can be invoked. Clones share it; its environments end with the last of them.
#[derive(Clone)]
pub struct Function(Arc<Inner>);

struct Inner {
    definition: Definition,
    environments: Mutex<Environments>,
}

#[derive(Default)]
struct Environments {
    all: Vec<Arc<Environment>>,
    starting: usize,
}

impl Function {
    /// Creates a function without environments. The first invocation is a cold start.
    pub fn new(definition: Definition) -> Self {
        Self(Arc::new(Inner { definition, environments: Mutex::default() }))
    }

    /// Invokes the function and waits for the response. Work after the response continues.
    ///
    /// # Errors
    ///
    /// The function is throttled, failed, or its environment ended.
    pub async fn invoke(&self, event: Value) -> Result<Value, Refused> {
        let environment = self.environment().await?;
        environment.invoke(event).await.unwrap_or(Err(Refused::Died))
    }

    /// Returns all current and former environments, oldest first.
    pub fn environments(&self) -> Vec<Arc<Environment>> {
        self.lock().all.clone()
    }

    /// Waits until each environment is frozen, dead or, on managed instances, idle.
    pub async fn at_rest(&self) {
        for environment in self.environments() {
            environment.ready().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Environments> {
        self.0.environments.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a free environment or a new one. Prefers the last used one, as Lambda does.
    async fn environment(&self) -> Result<Arc<Environment>, Refused> {
        {
            let mut environments = self.lock();
            if let Some(free) = environments.all.iter().rev().find(|environment| environment.take()) {
                return Ok(Arc::clone(free));
            }
            let alive = environments.all.iter().filter(|environment| !environment.is_dead()).count();
            if alive + environments.starting >= self.0.definition.concurrency {
                return Err(Refused::Throttled);
            }
            environments.starting += 1;
        }
        let started = Environment::start(&self.0.definition).await;
        if let Ok(environment) = &started {
            environment.ready().await;
            // Reserved before other invocations can see it.
            environment.take();
        }
        let mut environments = self.lock();
        environments.starting -= 1;
        let environment = started?;
        environments.all.push(Arc::clone(&environment));
        Ok(environment)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let environments = self.environments.get_mut().unwrap_or_else(PoisonError::into_inner);
        environments.all.iter().for_each(|environment| environment.die());
    }
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
