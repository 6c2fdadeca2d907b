//! The open connections, and which of them is closed for a new one.
//!
//! A client that opens connections and sends nothing, or half of a body, does not block other clients: see
//! [`first_to_give_way`].

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::activity::{Activity, Phase, first_to_give_way, now_ns};
use crate::settings::MAX_CONNECTIONS_PER_ADDRESS;
use crate::{Reading, descriptors};

/// Maximum of connections of one process, however many descriptors it may have.
const MOST: usize = 4096;
/// The divisor for the maximum of one address: a quarter of all.
const SHARE: usize = 4;
/// Minimum time between two log lines.
const LOGGED_EVERY: Duration = Duration::from_secs(10);

/// Connections that this process closed or rejected because too many were open.
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
    closed: Closed,
    logged: Option<Instant>,
}

struct Entry {
    address: IpAddr,
    activity: Arc<Activity>,
}

/// Closed and rejected connections since the last log line.
#[derive(Default)]
struct Closed {
    without_request: u64,
    stalled: u64,
    kept_alive: u64,
    rejected: u64,
}

/// A connection's place in the table, which is released on drop.
pub(super) struct Admission {
    open: Open,
    id: u64,
    activity: Arc<Activity>,
}

/// While a request is handled, its connection is not closed for another one, unless the body stalls.
pub(super) struct Busy(Arc<Activity>);

/// Reads `MAX_CONNECTIONS_PER_ADDRESS`. Default: a quarter of all connections.
pub(super) fn per_address(reading: &mut Reading, all: usize) -> usize {
    let most = reading.parsed_if_set::<NonZeroU32>(MAX_CONNECTIONS_PER_ADDRESS);
    most.map_or((all / SHARE).max(1), |most| usize::try_from(most.get()).unwrap_or(usize::MAX).min(all))
}

/// Checks the setting.
pub(super) fn check(reading: &mut Reading) {
    per_address(reading, MOST);
}

impl Open {
    /// Creates a table whose size follows from the descriptors of this process.
    pub(super) fn within_limits() -> Self {
        descriptors::raise_limit();
        let most = descriptors::for_connections().clamp(16, MOST);
        Self::new(most, per_address(&mut Reading::as_far_as_set(), most))
    }

    pub(super) fn new(most: usize, most_of_address: usize) -> Self {
        Self { most, most_of_address, table: Arc::default() }
    }

    /// Admits a connection from this address; `None` if no other connection can be closed for it.
    pub(super) fn admit(&self, address: IpAddr) -> Option<Admission> {
        let mut table = self.lock();
        let of_address = table.by_address.get(&address).copied().unwrap_or(0);
        let is_admitted = if of_address >= self.most_of_address {
            table.make_room(address, Some(address))
        } else if table.by_id.len() >= self.most {
            table.make_room(address, None)
        } else {
            true
        };
        if !is_admitted {
            return None;
        }
        let activity = Arc::new(Activity::new());
        let id = table.next_id;
        table.next_id += 1;
        *table.by_address.entry(address).or_default() += 1;
        table.by_id.insert(id, Entry { address, activity: Arc::clone(&activity) });
        Some(Admission { open: self.clone(), id, activity })
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Closes the first connection to give way, of this address or of all. Returns whether there was one.
    fn make_room(&mut self, new: IpAddr, of: Option<IpAddr>) -> bool {
        let now = now_ns();
        let others = self.by_id.iter().filter(|(_, entry)| of.is_none_or(|address| address == entry.address));
        let first = first_to_give_way(others.map(|(id, entry)| {
            let (phase, lasts) = entry.activity.phase(now);
            (*id, phase, lasts)
        }));
        let closed = first.and_then(|id| self.remove(id));
        let counter = match closed.as_ref().map(|entry| entry.activity.phase(now).0) {
            Some(Phase::New) => &mut self.closed.without_request,
            Some(Phase::Stalled) => &mut self.closed.stalled,
            Some(Phase::KeptAlive | Phase::Busy) => &mut self.closed.kept_alive,
            None => &mut self.closed.rejected,
        };
        *counter += 1;
        CLOSED.fetch_add(1, Ordering::Relaxed);
        self.log(new);
        closed.inspect(|entry| entry.activity.evict()).is_some()
    }

    fn log(&mut self, address: IpAddr) {
        if self.logged.is_some_and(|at| at.elapsed() < LOGGED_EVERY) {
            return;
        }
        self.logged = Some(Instant::now());
        let open = self.by_id.len();
        let Closed { without_request, stalled, kept_alive, rejected } = std::mem::take(&mut self.closed);
        tracing::warn!(
            closed_without_request = without_request,
            closed_with_stalled_body = stalled,
            closed_between_requests = kept_alive,
            rejected,
            open,
            last_address = %address,
            "too many connections"
        );
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
    /// Completes when the connection must be closed.
    pub(super) async fn evicted(&self) {
        self.activity.evicted().await;
    }

    /// Records the beginning of a request.
    pub(super) fn busy(&self) -> Busy {
        self.activity.enter(Phase::Busy);
        Busy(Arc::clone(&self.activity))
    }
}

impl Busy {
    /// Returns the activity of the connection.
    pub(super) fn activity(&self) -> Arc<Activity> {
        Arc::clone(&self.0)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.enter(Phase::KeptAlive);
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.open.lock().remove(self.id);
    }
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
    fn a_stalled_body_gives_way_before_a_connection_between_requests() {
        let open = Open::new(3, 3);
        let admitted = [1, 2, 3].map(|last| Arc::new(open.admit(address(last)).expect("a place")));
        let [kept_alive, stalled, busy] = admitted.each_ref().map(|one| one.busy());
        drop(kept_alive);
        stalled.activity().enter(Phase::Stalled);
        std::thread::sleep(Duration::from_millis(2));
        let fourth = open.admit(address(4)).expect("a place");
        let evicted = admitted.each_ref().map(|one| one.evicted().now_or_never().is_some());
        assert_eq!(evicted, [false, true, false]);
        drop((stalled, busy, fourth));
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
    fn an_address_has_a_quarter_of_the_connections_by_default() {
        let documented: usize = MAX_CONNECTIONS_PER_ADDRESS.default_as();
        assert_eq!(documented, MOST / SHARE);
    }

    #[test]
    fn without_an_idle_connection_a_new_one_is_rejected() {
        let open = Open::new(1, 1);
        let only = Arc::new(open.admit(address(1)).expect("a place"));
        let busy = only.busy();
        assert!(open.admit(address(2)).is_none());
        drop(busy);
        assert!(open.admit(address(2)).is_some());
    }
}
