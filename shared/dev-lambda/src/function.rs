//! A function: its environments, as many as it has invocations at once.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;

use crate::environment::Environment;

/// What a function is.
#[derive(Clone, Debug)]
pub struct Definition {
    /// The program of its runtime.
    pub program: PathBuf,
    /// Its own environment variables; Lambda's are added, and nothing else is passed on.
    pub variables: HashMap<String, String>,
    /// How long an invocation may take, the time after its answer included.
    pub timeout: Duration,
    /// Environments at once at most (reserved concurrency).
    pub concurrency: usize,
    /// On managed instances: how many invocations an environment has at once at most. `None`: not there.
    pub managed: Option<usize>,
    /// Whether its log is shown with that of this process, or nowhere.
    pub log: bool,
}

/// Why an invocation has no answer.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The function has as many invocations as it may have: 429.
    #[error("the function is throttled")]
    Throttled,
    /// The function reported an error, which is this JSON text.
    #[error("the function failed: {0}")]
    Failed(String),
    /// Its process ended, or its time was over.
    #[error("the environment ended before it answered")]
    Died,
    /// On managed instances: its time was over. What it does goes on.
    #[error("the invocation timed out")]
    TimedOut,
    /// The program cannot be started.
    #[error("the environment cannot be started: {0}")]
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
    /// A function without an environment yet: the first invocation is a cold start.
    pub fn new(definition: Definition) -> Self {
        Self(Arc::new(Inner { definition, environments: Mutex::default() }))
    }

    /// Invokes it and waits for its answer. What goes on after the answer goes on.
    ///
    /// # Errors
    ///
    /// The function is throttled, failed, or its environment ended.
    pub async fn invoke(&self, event: Value) -> Result<Value, Refused> {
        let environment = self.environment().await?;
        environment.invoke(event).await.unwrap_or(Err(Refused::Died))
    }

    /// Every environment that it has or had, oldest first.
    pub fn environments(&self) -> Vec<Arc<Environment>> {
        self.lock().all.clone()
    }

    /// Waits until every environment is frozen or dead, or has no invocation where they are not frozen.
    pub async fn at_rest(&self) {
        for environment in self.environments() {
            environment.ready().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Environments> {
        self.0.environments.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One that is free, or a new one. Lambda, too, prefers the one that was used last.
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
            // Before anybody else sees it.
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
    /// The command of a new environment whose API is at this address.
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
