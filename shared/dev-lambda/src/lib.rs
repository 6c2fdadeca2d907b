//! Lambda on this machine: the Runtime API and the Extensions API, with the rules of the real ones.
//!
//! - A function has one environment per invocation at a time; one that is free is used again.
//! - A response goes to the caller as soon as the runtime posts it.
//! - The next event comes when the runtime and every extension have asked for it. From then until that
//!   event the process is frozen (SIGSTOP).
//! - An invocation that takes longer than the function's timeout ends its environment (SIGKILL).
//! - Extensions register before the runtime asks for its first event, or never.
//! - More invocations at once than the function may have are refused (429).
//! - Who is taken down gets a SIGTERM before the SIGKILL if an extension is registered.
//!
//! On managed instances ([`Definition::managed`]) it is different:
//!
//! - An environment has several invocations at once, up to a number, for its runtime asks for the next event
//!   several times at once. It is never frozen.
//! - An invocation that takes too long is answered as failed, and goes on in the environment.
//! - There is no INVOKE event: who registers an extension for it is refused.
//!
//! Sources: AWS's documentation, "Lambda execution environment lifecycle", "Runtime API",
//! "Extensions API", "Understanding the Lambda Managed Instances execution environment". What it leaves
//! out: the time of a cold start, CPU and memory limits, SHUTDOWN events (internal extensions get
//! none), streaming, retries of asynchronous invocations, and how managed instances scale.

mod api;
mod environment;
mod event;
mod function;
mod url;

pub use environment::Environment;
pub use function::{Definition, Function, Refused};
