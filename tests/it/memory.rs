//! The memory of a process is bounded by bytes: of the bodies that it reads, stores, delivers and lists.

mod deliveries;
mod intake;
mod lists;

/// A body of this size.
fn body(bytes: usize) -> String {
    "x".repeat(bytes)
}
