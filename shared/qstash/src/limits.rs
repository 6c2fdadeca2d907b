//! Limits of requests.

use std::time::Duration;

use crate::{Destination, Invalid};

/// The limits of requests. QStash has one set per plan; this is one set per server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Maximum of a message body in bytes. Default 10 MB (10,000,000), QStash's "pay as you go".
    pub max_body_bytes: usize,
    /// Maximum delay, by duration or by date. Default `None`: only the thousand years of
    /// [`MAX_DURATION`](crate::duration::MAX_DURATION) apply.
    pub max_delay: Option<Duration>,
    /// Maximum of retries. Default 100: with the default backoff that is more than three months; longer periods are a
    /// use case for schedules.
    pub max_retries: u32,
    /// Maximum timeout of an attempt. Default two hours, QStash's "pay as you go".
    pub max_timeout: Duration,
    /// Maximum of a destination or callback URL in bytes. Default 8192, which is
    /// [`destination::MAX_BYTES`](crate::destination::MAX_BYTES) and cannot be exceeded: servers commonly reject
    /// longer request lines.
    pub max_url_bytes: usize,
    /// Maximum of names and values of all headers for the destination together, in bytes. Default 32 KiB: common
    /// servers accept 8 to 64 KiB, and every header is stored with its message.
    pub max_header_bytes: usize,
    /// Maximum of labels per message. Default 32; each one is an index entry of each event.
    pub max_labels: usize,
    /// Maximum of a label in bytes. Default 256, for the same reason.
    pub max_label_bytes: usize,
    /// Maximum of a batch request's body in bytes. Default 100 MB (100,000,000; QStash changelog).
    pub max_batch_bytes: usize,
    /// Maximum of messages per batch request; each endpoint of a URL group counts. Default 100,000: all of them are
    /// in memory together.
    pub max_batch_messages: usize,
    /// Maximum parallelism of a queue. Default 1000; QStash has 10.
    pub max_parallelism: u32,
    /// Maximum of URL groups. Default 10,000.
    pub max_url_groups: usize,
    /// Maximum of endpoints per URL group. Default 1000, QStash's "fixed 1M".
    pub max_endpoints: usize,
    /// Maximum of schedules. Default 50,000, QStash's largest plan; concurrent creations may exceed it by their
    /// number.
    pub max_schedules: u32,
    /// Maximum of queues. Default 10,000; queues created within the same ten seconds may exceed it.
    pub max_queues: i64,
    /// Maximum of flow-control keys, with the same imprecision as [`max_queues`](Self::max_queues). Default
    /// 1,000,000: a key without messages for half a day is deleted.
    pub max_flow_control_keys: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_body_bytes: 10_000_000,
            max_delay: None,
            max_retries: 100,
            max_timeout: Duration::from_secs(2 * 3600),
            max_url_bytes: crate::destination::MAX_BYTES,
            max_header_bytes: 32 * 1024,
            max_labels: 32,
            max_label_bytes: 256,
            max_batch_bytes: 100_000_000,
            max_batch_messages: 100_000,
            max_parallelism: 1000,
            max_url_groups: 10_000,
            max_endpoints: 1000,
            max_schedules: 50_000,
            max_queues: 10_000,
            max_flow_control_keys: 1_000_000,
        }
    }
}

impl Limits {
    /// Returns limits that accept everything, to parse options that were accepted under other limits.
    pub fn none() -> Self {
        Self {
            max_delay: None,
            max_retries: u32::MAX,
            max_timeout: Duration::MAX,
            max_url_bytes: usize::MAX,
            max_header_bytes: usize::MAX,
            max_labels: usize::MAX,
            max_label_bytes: usize::MAX,
            ..Self::default()
        }
    }

    /// Checks the size of a message body.
    ///
    /// # Errors
    ///
    /// The body is larger than `max_body_bytes`; in QStash's words.
    pub fn check_body(&self, size_bytes: usize) -> Result<(), Invalid> {
        if size_bytes > self.max_body_bytes {
            return Err(Invalid::verbatim(
                "body",
                format!("quota maxMessageSize exceeded, current limit: {}", self.max_body_bytes),
            ));
        }
        Ok(())
    }

    /// Checks the length of a destination; [`Options::parse`](crate::Options::parse) checks callbacks.
    ///
    /// # Errors
    ///
    /// The destination is longer than `max_url_bytes`.
    pub fn check_destination(&self, destination: &Destination) -> Result<(), Invalid> {
        if destination.as_str().len() > self.max_url_bytes {
            return Err(Invalid::verbatim(
                "destination",
                format!("invalid destination url: longer than {} bytes", self.max_url_bytes),
            ));
        }
        Ok(())
    }
}
