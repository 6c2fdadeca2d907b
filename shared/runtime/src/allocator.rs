//! The allocator of every sigpost process. A message is many small, short-lived allocations on more
//! than one thread; with the system's allocator they cost a sixth of the CPU of a delivery. Without
//! huge pages (the feature `no_thp`): with them a process of 30 MB takes 70.

use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;
