//! The allocator of every sigpost process. A message causes many small, short-lived allocations on more than one
//! thread; with the system's allocator they cost a sixth of the CPU time of a delivery. Huge pages are off (the
//! feature `no_thp`): with them a process of 30 MB uses 70 MB.

use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// mimalloc's option `purge_delay`, for which its crate has no constant: the time in milliseconds after which free
/// memory returns to the system. The default is one second.
const PURGE_DELAY: i32 = 15;

/// Sets the purge delay to 10 ms, unless `MIMALLOC_PURGE_DELAY` is set: a process that works through a backlog then
/// uses a sixth less memory and is no slower. Call it first in `main`, before threads exist and before memory is
/// freed.
#[expect(unsafe_code, reason = "mimalloc has this option only as a C function")]
pub fn give_back_soon() {
    // SAFETY: it stores a number, and is called before another thread exists.
    unsafe { libmimalloc_sys::mi_option_set_default(PURGE_DELAY, 10) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(unsafe_code, reason = "only a C function returns the option")]
    fn option_that_is_set_is_that_of_purging() {
        // SAFETY: it reads a number that nothing else changes.
        let delay = || unsafe { libmimalloc_sys::mi_option_get(PURGE_DELAY) };
        assert_eq!(delay(), 1000, "number 15 is another option in this version of mimalloc");
        give_back_soon();
        assert_eq!(delay(), 10);
    }
}
