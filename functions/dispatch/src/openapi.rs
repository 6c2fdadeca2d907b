//! The API's document, OpenAPI 3.1, made of the table of routes and of the types that go over the wire.

mod document;
mod operation;
mod parameters;
mod refusals;
mod types;

pub(crate) use document::document;
