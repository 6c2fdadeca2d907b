//! File descriptors of this process: sockets and files.

/// Descriptors reserved for deliveries, the database, files and logs.
const RESERVED: usize = 1280;

/// Raises the limit to the hard limit. Shells and container platforms set the soft limit to 1,024 for programs that
/// call `select`, which sigpost does not.
pub(crate) fn raise_limit() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        if limit.current != limit.maximum {
            // If this fails, fewer connections are accepted.
            let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
        }
    }
}

/// Returns the maximum of open client connections that leaves enough descriptors for everything else.
pub(crate) fn for_connections() -> usize {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit};
        let limit = getrlimit(Resource::Nofile).current.and_then(|limit| usize::try_from(limit).ok());
        let limit = limit.unwrap_or(usize::MAX);
        limit.saturating_sub(RESERVED).max(limit / 4)
    }
    #[cfg(not(unix))]
    usize::MAX
}
