//! Workers: a limited number of sending tasks per destination.
//!
//! A burst of hundreds of concurrent requests opens hundreds of connections, and a connection per request costs both sides
//! more than the request (measured: a third more CPU per delivery at 256 than at 64). So [`WORKERS`] tasks send the messages
//! of a destination sequentially. A slow request continues in a separate task, and the destination is allowed another worker,
//! so that latency does not limit the rate. Fast responses take extra workers away again.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sigpost_store::destination::Destination;
use tokio::time::timeout;

use super::Dispatcher;
use super::attempt::{Attempt, Delivery};
use super::in_flight::LONG;

/// Maximum number of workers of a destination with fast responses. More workers do not increase the rate.
const WORKERS: usize = 64;

/// How long a request may stay with its worker while many connections to its destination are made: their handshakes are
/// slow because they are many, and another worker would make more.
const HANDSHAKES: Duration = Duration::from_secs(1);

/// Destinations without deliveries whose number of workers is kept at most.
const MAX_LINES: usize = 1024;

/// The deliveries that wait for a worker, and the number of workers, by destination.
#[derive(Default)]
pub(super) struct Workers {
    lines: Mutex<HashMap<Destination, Line>>,
    /// Deliveries that wait for a worker, of all destinations.
    waiting: AtomicUsize,
}

struct Line {
    waiting: VecDeque<Delivery>,
    workers: usize,
    /// Maximum number of workers.
    allowed: usize,
}

impl Default for Line {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), workers: 0, allowed: WORKERS }
    }
}

impl Line {
    fn is_idle(&self) -> bool {
        self.workers == 0 && self.waiting.is_empty()
    }
}

/// A worker, counted until it is dropped.
struct Worker {
    dispatcher: Dispatcher,
    destination: Destination,
}

impl Workers {
    /// Removes and returns the deliveries that wait for a worker.
    pub(super) fn take_waiting(&self) -> Vec<Delivery> {
        let mut lines = self.lock();
        self.waiting.store(0, Ordering::Relaxed);
        lines.values_mut().flat_map(|line| std::mem::take(&mut line.waiting)).collect()
    }

    /// Whether a delivery waits for a worker.
    pub(super) fn is_any_waiting(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Destination, Line>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Dispatcher {
    /// Passes a delivery to the workers of its destination.
    pub(super) fn deliver(&self, delivery: Delivery) {
        let destination = delivery.destination();
        let mut lines = self.0.workers.lock();
        let line = lines.entry(destination).or_default();
        line.waiting.push_back(delivery);
        self.0.workers.waiting.fetch_add(1, Ordering::Relaxed);
        if line.workers < line.allowed {
            self.add_worker(destination, line);
        }
    }

    fn add_worker(&self, destination: Destination, line: &mut Line) {
        line.workers += 1;
        tokio::spawn(Worker { dispatcher: self.clone(), destination }.work());
    }
}

impl Worker {
    async fn work(self) {
        let mut was_fast = false;
        while let Some(delivery) = self.next(was_fast) {
            was_fast = !self.deliver(delivery).await;
        }
    }

    /// Returns the next delivery. `None` if there is none, or if there are more workers than allowed. A fast response to the
    /// last one allows one worker less.
    fn next(&self, was_fast: bool) -> Option<Delivery> {
        let mut lines = self.dispatcher.0.workers.lock();
        let line = lines.get_mut(&self.destination)?;
        if was_fast && line.allowed > WORKERS {
            line.allowed -= 1;
        }
        if line.workers > line.allowed {
            return None;
        }
        let delivery = line.waiting.pop_front()?;
        self.dispatcher.0.workers.waiting.fetch_sub(1, Ordering::Relaxed);
        Some(delivery)
    }

    /// Sends and records a delivery. Returns whether it is slow and continues in another task.
    async fn deliver(&self, delivery: Delivery) -> bool {
        let Some((attempt, mut exchange)) = Attempt::begin(&self.dispatcher, delivery) else { return false };
        let short = attempt.bound.min(LONG);
        if let Ok(result) = timeout(short, &mut exchange).await {
            attempt.end(result);
            return false;
        }
        if short == attempt.bound {
            attempt.time_out();
            return false;
        }
        let mut spent = short;
        while spent < HANDSHAKES && attempt.bound > spent + LONG && self.is_connecting(&attempt) {
            if let Ok(result) = timeout(LONG, &mut exchange).await {
                attempt.end(result);
                return false;
            }
            spent += LONG;
        }
        self.allow_one_more();
        let (dispatcher, lease, rest) = (self.dispatcher.clone(), Arc::clone(&attempt.lease), attempt.bound - spent);
        dispatcher.0.in_flight.start(lease.message.id, lease.token, || {
            let long = async move {
                match timeout(rest, exchange).await {
                    Ok(result) => attempt.end(result),
                    Err(_) => attempt.time_out(),
                }
            };
            tokio::spawn(long).abort_handle()
        });
        true
    }

    fn is_connecting(&self, attempt: &Attempt) -> bool {
        self.dispatcher.0.sender.is_connecting(&attempt.lease.message.url)
    }

    fn allow_one_more(&self) {
        let mut lines = self.dispatcher.0.workers.lock();
        let Some(line) = lines.get_mut(&self.destination) else { return };
        line.allowed = (line.allowed + 1).min(self.dispatcher.max_in_flight().max(WORKERS));
        if !line.waiting.is_empty() && line.workers < line.allowed {
            self.dispatcher.add_worker(self.destination, line);
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let mut lines = self.dispatcher.0.workers.lock();
        let Some(line) = lines.get_mut(&self.destination) else { return };
        line.workers -= 1;
        if line.workers > 0 {
            return;
        }
        // A delivery may have been added after the last query.
        if !line.waiting.is_empty() {
            self.dispatcher.add_worker(self.destination, line);
        } else if line.allowed == WORKERS {
            lines.remove(&self.destination);
        } else if lines.len() > MAX_LINES {
            lines.retain(|_, line| !line.is_idle());
        }
    }
}
