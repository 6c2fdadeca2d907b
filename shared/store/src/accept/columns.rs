//! The columns of every arrival, as the statements bind them: one list per column.

use uuid::Uuid;

use super::{Arrival, json};
use crate::destination::Destination;

/// The lists, in the order of the arrivals.
pub(super) struct Columns<'a> {
    pub(super) ids: Vec<Uuid>,
    pub(super) are_leased: Vec<bool>,
    pub(super) urls: Vec<&'a str>,
    pub(super) methods: Vec<&'static str>,
    pub(super) headers: Vec<String>,
    pub(super) bodies: Vec<&'a [u8]>,
    pub(super) retries: Vec<i32>,
    pub(super) caller_ips: Vec<Option<&'a str>>,
    pub(super) destinations: Vec<i64>,
}

impl<'a> Columns<'a> {
    pub(super) fn of(arrivals: impl Iterator<Item = &'a Arrival> + Clone) -> Self {
        let messages = || arrivals.clone().map(|arrival| &arrival.new.message);
        Self {
            ids: messages().map(|message| message.id.0).collect(),
            are_leased: arrivals.clone().map(|arrival| arrival.leased).collect(),
            urls: messages().map(|message| message.url.as_str()).collect(),
            methods: messages().map(|message| message.method.as_str()).collect(),
            headers: messages().map(|message| json(&message.header)).collect(),
            bodies: messages().map(|message| &message.body[..]).collect(),
            retries: messages().map(|message| i32::try_from(message.retries).unwrap_or(i32::MAX)).collect(),
            caller_ips: messages().map(|message| message.caller_ip.as_deref()).collect(),
            destinations: messages().map(|message| Destination::of(&message.url).0).collect(),
        }
    }
}
