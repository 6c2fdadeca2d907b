//! Local emulator of Lambda: the Runtime API and the Extensions API, with the rules of AWS.
//!
//! - An environment handles one invocation at a time. Free environments are reused.
//! - The caller gets the response as soon as the runtime posts it.
//! - The next event is sent when the runtime and all extensions have requested it. Until then the process is frozen
//!   (SIGSTOP).
//! - An invocation that takes longer than the function's timeout ends its environment (SIGKILL).
//! - Extensions must register before the runtime requests its first event.
//! - Invocations above the concurrency limit of the function are rejected (429).
//! - At shutdown, a process with a registered extension gets SIGTERM before SIGKILL.
//!
//! Managed instances ([`Definition::managed`]) differ:
//!
//! - An environment handles several invocations concurrently, up to a limit: its runtime requests several events at the
//!   same time. It is never frozen.
//! - An invocation that times out returns an error, and continues in the environment.
//! - There is no INVOKE event. Registering an extension for it is rejected.
//!
//! Sources: AWS's documentation, "Lambda execution environment lifecycle", "Runtime API",
//! "Extensions API", "Understanding the Lambda Managed Instances execution environment". It does not
//! emulate cold-start times, CPU and memory limits, SHUTDOWN events (internal extensions get none), streaming, retries of
//! asynchronous invocations, or the scaling of managed instances.

mod api;
mod definition;
mod environment;
mod event;
mod function;
mod server;
mod url;

pub use definition::{Definition, Rejected};
pub use environment::Environment;
pub use function::Function;
