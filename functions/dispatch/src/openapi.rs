//! The OpenAPI 3.1 document of the API, generated from the route table and the wire types.

mod document;
mod operation;
mod parameters;
mod rejections;
mod types;

pub(crate) use document::document;
