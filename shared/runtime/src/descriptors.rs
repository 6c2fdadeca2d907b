//! Descriptors of this process: sockets and files.

/// Kept for deliveries, the database, files and logs.
const RESERVED: usize = 1280;

/// Raises the limit as far as the system allows. Shells and container platforms start programs with 1,024, for the sake
/// of `select`, which nothing here uses.
pub(crate) fn raise_limit() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        if limit.current != limit.maximum {
            // Without it there are fewer places for connections.
            let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
        }
    }
}

/// How many connections of clients may be open, so that enough is left for everything else.
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
