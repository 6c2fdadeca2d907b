//! What sigpost asks of AWS, and what AWS asks of it.

mod references;
mod signatures;
