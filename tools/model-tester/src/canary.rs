//! Detects when the machine is too busy for findings about late starts: sends each process, which queries the database,
//! five requests per second, and records when a response took long.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use crate::clock::now;

/// Response time above which the machine counts as busy. The request needs one statement, 2 ms on an idle machine.
const SLOW: Duration = Duration::from_millis(120);
const PAUSE: Duration = Duration::from_millis(200);

/// Running canary. Stops on drop.
pub(crate) struct Canary {
    /// Start and end of busy times, in seconds since 1970.
    slow: Arc<Mutex<Vec<(f64, f64)>>>,
    asking: Vec<JoinHandle<()>>,
}

impl Canary {
    pub(crate) fn start(client: &reqwest::Client, ports: &[u16], token: &str) -> Self {
        let slow: Arc<Mutex<Vec<(f64, f64)>>> = Arc::default();
        let asking = ports.iter().map(|port| {
            let request = client.get(format!("http://127.0.0.1:{port}/v2/queues/none")).bearer_auth(token);
            tokio::spawn(ask(request, Arc::clone(&slow)))
        });
        Self { asking: asking.collect(), slow }
    }

    /// Whether the machine was busy at any time between these moments.
    pub(crate) fn was_slow(&self, from: f64, until: f64) -> bool {
        let slow = self.slow.lock().unwrap_or_else(PoisonError::into_inner);
        slow.iter().any(|(began, ended)| *began <= until && *ended >= from)
    }

    /// Discards the records so far.
    pub(crate) fn clear(&self) {
        self.slow.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        self.asking.iter().for_each(JoinHandle::abort);
    }
}

async fn ask(request: reqwest::RequestBuilder, slow: Arc<Mutex<Vec<(f64, f64)>>>) {
    loop {
        let (began, clock) = (now(), Instant::now());
        tokio::time::sleep(PAUSE).await;
        let Some(request) = request.try_clone() else { return };
        // A stopped process does not respond.
        let _ = request.send().await;
        if clock.elapsed() > PAUSE + SLOW {
            slow.lock().unwrap_or_else(PoisonError::into_inner).push((began, now()));
        }
    }
}
