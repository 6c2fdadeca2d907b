//! `sigpost serve`, the program that is measured, as a child process.

mod log;
pub(crate) mod process;
