//! Calls to AWS, and invocations by AWS.

mod references;
mod signatures;
