//! Finds out when the machine is too busy for findings about late starts: sends each process, and so the database, five
//! requests a second, and keeps when a response took long.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use crate::deployment::TOKEN;
use crate::run::now;

/// An answer that takes longer says that the machine is busy. It needs one statement; a quiet machine takes 2 ms.
const SLOW: Duration = Duration::from_millis(120);
const PAUSE: Duration = Duration::from_millis(200);

/// Ends when it is dropped.
pub(crate) struct Canary {
    /// From and until, in seconds since 1970.
    slow: Arc<Mutex<Vec<(f64, f64)>>>,
    asking: Vec<JoinHandle<()>>,
}

impl Canary {
    pub(crate) fn start(client: &reqwest::Client, ports: &[u16]) -> Self {
        let slow: Arc<Mutex<Vec<(f64, f64)>>> = Arc::default();
        let asking = ports.iter().map(|port| {
            let request = client.get(format!("http://127.0.0.1:{port}/v2/queues/none")).bearer_auth(TOKEN);
            tokio::spawn(ask(request, Arc::clone(&slow)))
        });
        Self { asking: asking.collect(), slow }
    }

    /// Whether the machine was busy at some moment of this time.
    pub(crate) fn was_slow(&self, from: f64, until: f64) -> bool {
        let slow = self.slow.lock().unwrap_or_else(PoisonError::into_inner);
        slow.iter().any(|(began, ended)| *began <= until && *ended >= from)
    }

    /// Forgets what was before.
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
        // A process that is stopped answers nothing.
        let _ = request.send().await;
        if clock.elapsed() > PAUSE + SLOW {
            slow.lock().unwrap_or_else(PoisonError::into_inner).push((began, now()));
        }
    }
}
