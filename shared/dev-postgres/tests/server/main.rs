//! The server against the real Postgres of this machine, as a caller sees it.

mod command_line;
mod data;
mod killed;
mod rejections;
mod support;
