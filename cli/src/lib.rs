//! The list of job types, for the program and the tests.

pub mod jobs;
