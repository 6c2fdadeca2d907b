//! Limits of a process's memory: the bytes of bodies that it reads, stores, delivers and lists.

mod deliveries;
mod intake;
mod lists;

/// Returns a body of this size.
fn body(bytes: usize) -> String {
    "x".repeat(bytes)
}
