//! Lambda on this machine: the Runtime API and the Extensions API, with the rules of the real ones.
//!
//! - A function has one environment per invocation at a time; one that is free is used again.
//! - A response goes to the caller as soon as the runtime posts it.
//! - The next event comes when the runtime and every extension have asked for it. From then until that
//!   event the process is frozen (SIGSTOP).
//! - An invocation that takes longer than the function's timeout ends its environment (SIGKILL).
//! - Extensions register before the runtime asks for its first event, or never.
//! - More invocations at once than the function may have are refused (429).
//!
//! Sources: AWS's documentation, "Lambda execution environment lifecycle", "Runtime API",
//! "Extensions API". What it leaves out: the time of a cold start, CPU and memory limits, SHUTDOWN
//! events (internal extensions get none), streaming, and retries of asynchronous invocations.

mod api;
mod environment;
mod event;
mod function;
mod url;

pub use environment::Environment;
pub use function::{Definition, Function, Refused};
