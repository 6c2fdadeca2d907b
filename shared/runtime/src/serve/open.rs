//! How many connections are open, and which of them gives way to a new one.
//!
//! A client that opens connections and sends nothing takes no place from others: when there is none left, the connection
//! is closed that has waited longest for a request.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::descriptors;

/// Connections of one process at most, however many descriptors it may have.
const MOST: usize = 4096;
/// Of which one address may have this share.
const SHARE: usize = 4;
/// Between two lines in the log.
const LOGGED_EVERY: Duration = Duration::from_secs(10);

/// Connections that this process has closed, or not accepted, because too many were open.
pub(super) static CLOSED: AtomicU64 = AtomicU64::new(0);

/// The open connections of a server. Clones share them.
#[derive(Clone)]
pub(super) struct Open {
    most: usize,
    most_of_address: usize,
    table: Arc<Mutex<Table>>,
}

#[derive(Default)]
struct Table {
    next_id: u64,
    by_id: HashMap<u64, Entry>,
    by_address: HashMap<IpAddr, usize>,
    /// Connections that gave way or were refused since the last line in the log.
    closed: u64,
    logged: Option<Instant>,
}

struct Entry {
    address: IpAddr,
    state: Arc<State>,
}

/// The state of a connection, which each request changes without the lock of the table.
struct State {
    /// Since when it waits for a request, as [`now_ns`]; [`BUSY`] while one is handled.
    waiting_since: AtomicU64,
    evicted: Notify,
}

const BUSY: u64 = u64::MAX;

/// A connection's place. It is free when this is dropped.
pub(super) struct Admission {
    open: Open,
    id: u64,
    state: Arc<State>,
}

/// While a request is handled its connection gives way to none.
pub(super) struct Busy(Arc<State>);

impl Open {
    /// With as many places as the descriptors of this process allow for.
    pub(super) fn within_limits() -> Self {
        descriptors::raise_limit();
        let most = descriptors::for_connections().clamp(16, MOST);
        Self::new(most, most / SHARE)
    }

    fn new(most: usize, most_of_address: usize) -> Self {
        Self { most, most_of_address, table: Arc::default() }
    }

    /// A place for a connection from this address; `None` when every place is taken by a connection that is not idle.
    pub(super) fn admit(&self, address: IpAddr) -> Option<Admission> {
        let mut table = self.lock();
        let of_address = table.by_address.get(&address).copied().unwrap_or(0);
        let is_admitted = if of_address >= self.most_of_address {
            table.evict(Some(address))
        } else if table.by_id.len() >= self.most {
            table.evict(None)
        } else {
            true
        };
        if !is_admitted {
            return None;
        }
        let state = Arc::new(State { waiting_since: AtomicU64::new(now_ns()), evicted: Notify::new() });
        let id = table.next_id;
        table.next_id += 1;
        *table.by_address.entry(address).or_default() += 1;
        table.by_id.insert(id, Entry { address, state: Arc::clone(&state) });
        Some(Admission { open: self.clone(), id, state })
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Closes the connection that has waited longest, of this address or of all. Whether there is one.
    fn evict(&mut self, address: Option<IpAddr>) -> bool {
        let waiting = self.by_id.iter().filter(|(_, entry)| address.is_none_or(|address| address == entry.address));
        let waiting = waiting.map(|(id, entry)| (entry.state.waiting_since.load(Ordering::Relaxed), *id));
        let longest = waiting.filter(|(since, _)| *since != BUSY).min();
        self.closed += 1;
        CLOSED.fetch_add(1, Ordering::Relaxed);
        if self.logged.is_none_or(|at| at.elapsed() >= LOGGED_EVERY) {
            self.logged = Some(Instant::now());
            let closed = std::mem::take(&mut self.closed);
            tracing::warn!(closed, open = self.by_id.len(), "too many connections: those without a request are closed");
        }
        let Some((_, id)) = longest else { return false };
        if let Some(entry) = self.remove(id) {
            entry.state.evicted.notify_one();
        }
        true
    }

    fn remove(&mut self, id: u64) -> Option<Entry> {
        let entry = self.by_id.remove(&id)?;
        if let Some(count) = self.by_address.get_mut(&entry.address) {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&entry.address);
            }
        }
        Some(entry)
    }
}

impl Admission {
    /// Completes when the connection has to be closed.
    pub(super) async fn evicted(&self) {
        self.state.evicted.notified().await;
    }

    /// A request begins.
    pub(super) fn busy(&self) -> Busy {
        self.state.waiting_since.store(BUSY, Ordering::Relaxed);
        Busy(Arc::clone(&self.state))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.waiting_since.store(now_ns(), Ordering::Relaxed);
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.open.lock().remove(self.id);
    }
}

/// Nanoseconds since the first call.
fn now_ns() -> u64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    u64::try_from(START.elapsed().as_nanos()).unwrap_or(BUSY - 1)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use futures_util::FutureExt;

    use super::*;

    fn address(last: u8) -> IpAddr {
        Ipv4Addr::new(10, 0, 0, last).into()
    }

    #[test]
    fn the_connection_that_waited_longest_gives_way() {
        let open = Open::new(3, 3);
        let admitted = [1, 2, 3].map(|last| Arc::new(open.admit(address(last)).expect("a place")));
        let busy = admitted[0].busy();
        let fourth = open.admit(address(4)).expect("a place");
        let evicted = admitted.each_ref().map(|one| one.evicted().now_or_never().is_some());
        assert_eq!(evicted, [false, true, false]);
        drop((busy, fourth));
        drop(admitted);
        assert!(open.lock().by_id.is_empty() && open.lock().by_address.is_empty());
    }

    #[test]
    fn an_address_takes_places_only_from_itself() {
        let open = Open::new(8, 2);
        let other = open.admit(address(1)).expect("a place");
        let own = [2, 2, 2].map(|last| open.admit(address(last)).expect("a place"));
        assert!(other.evicted().now_or_never().is_none());
        assert!(own[0].evicted().now_or_never().is_some() && own[1].evicted().now_or_never().is_none());
    }

    #[test]
    fn without_an_idle_connection_a_new_one_is_refused() {
        let open = Open::new(1, 1);
        let only = Arc::new(open.admit(address(1)).expect("a place"));
        let busy = only.busy();
        assert!(open.admit(address(2)).is_none());
        drop(busy);
        assert!(open.admit(address(2)).is_some());
    }
}
