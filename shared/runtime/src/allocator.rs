//! The allocator of every sigpost process. A message is many small, short-lived allocations on more
//! than one thread; with the system's allocator they cost a sixth of the CPU of a delivery. Without
//! huge pages (the feature `no_thp`): with them a process of 30 MB takes 70.

use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// mimalloc's option `purge_delay`, for which its crate has no name: after how many milliseconds memory that is free
/// goes back to the system. It is a second by default.
const PURGE_DELAY: i32 = 15;

/// Gives free memory back after a hundredth of a second, unless `MIMALLOC_PURGE_DELAY` says otherwise: a process that
/// works off a backlog takes a sixth less then, and is no slower. For a `main` to begin with: before there are threads,
/// and before the first memory that is free has its time set.
#[expect(unsafe_code, reason = "mimalloc is told so by a function of C")]
pub fn give_back_soon() {
    // SAFETY: it stores a number, and is called before there is another thread.
    unsafe { libmimalloc_sys::mi_option_set_default(PURGE_DELAY, 10) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(unsafe_code, reason = "only a function of C tells")]
    fn option_that_is_set_is_that_of_purging() {
        // SAFETY: it reads a number that nothing else changes.
        let delay = || unsafe { libmimalloc_sys::mi_option_get(PURGE_DELAY) };
        assert_eq!(delay(), 1000, "of this version of mimalloc the number 15 is another option");
        give_back_soon();
        assert_eq!(delay(), 10);
    }
}
