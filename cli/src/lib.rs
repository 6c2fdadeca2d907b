//! What the program and the tests share: which jobs there are.

pub mod jobs;
