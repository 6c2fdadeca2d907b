//! A function and its environments.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::api;
use crate::definition::{Definition, Rejected};
use crate::environment::Environment;

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
    pub async fn invoke(&self, event: Value) -> Result<Value, Rejected> {
        let environment = self.environment().await?;
        environment.invoke(event).await.unwrap_or(Err(Rejected::Died))
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
    async fn environment(&self) -> Result<Arc<Environment>, Rejected> {
        {
            let mut environments = self.lock();
            if let Some(free) = environments.all.iter().rev().find(|environment| environment.take()) {
                return Ok(Arc::clone(free));
            }
            let alive = environments.all.iter().filter(|environment| !environment.is_dead()).count();
            if alive + environments.starting >= self.0.definition.concurrency {
                return Err(Rejected::Throttled);
            }
            environments.starting += 1;
        }
        let started = start(&self.0.definition).await;
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

/// Starts an environment with its API. It is frozen when it is ready.
async fn start(definition: &Definition) -> std::io::Result<Arc<Environment>> {
    let environment = Environment::new(definition);
    let address = api::serve(&environment).await?;
    environment.spawn(definition.command(address))?;
    Ok(environment)
}

impl Drop for Inner {
    fn drop(&mut self) {
        let environments = self.environments.get_mut().unwrap_or_else(PoisonError::into_inner);
        environments.all.iter().for_each(|environment| environment.die());
    }
}
