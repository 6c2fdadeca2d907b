//! The destination of the messages: a child process that responds as cheaply as it can, and counts.
//!
//! [`server`] is the child, [`process`] the bench's handle of it, [`tally`] the count.

pub(crate) mod process;
pub(crate) mod server;
pub(crate) mod tally;
