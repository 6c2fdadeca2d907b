//! How much one request may ask for.

use std::time::Duration;

use crate::{Destination, Invalid};

/// What a request is measured against. QStash has a set per plan; these are one set per server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Largest message body in bytes. Default 10 MB (10,000,000), QStash's "pay as you go".
    pub max_body_bytes: usize,
    /// Longest way into the future, by delay or by date. Default `None`: nothing but the thousand
    /// years of [`MAX_DURATION`](crate::duration::MAX_DURATION).
    pub max_delay: Option<Duration>,
    /// Most retries after the first attempt. Default 100: with the default backoff that is more
    /// than three months, and somebody who needs more has a schedule, not a message.
    pub max_retries: u32,
    /// Longest a destination may take to answer. Default two hours, QStash's "pay as you go".
    pub max_timeout: Duration,
    /// Longest destination or callback URL in bytes. Default 8192, which is
    /// [`destination::MAX_BYTES`](crate::destination::MAX_BYTES) and cannot be exceeded: servers
    /// commonly refuse longer request lines.
    pub max_url_bytes: usize,
    /// Names and values of all headers for the destination together, in bytes. Default 32 KiB:
    /// common servers accept 8 to 64 KiB, and every header is stored with its message.
    pub max_header_bytes: usize,
    /// Most labels of one message. Default 32; each one is an index entry of each event.
    pub max_labels: usize,
    /// Longest label in bytes. Default 256, for the same reason.
    pub max_label_bytes: usize,
    /// Largest body of a batch call in bytes. Default 100 MB (100,000,000; QStash changelog).
    pub max_batch_bytes: usize,
    /// Most messages of one batch call, those for each endpoint of its URL groups counted. Default
    /// 100,000: all of them are in memory at once.
    pub max_batch_messages: usize,
    /// Highest parallelism of a queue. Default 1000; QStash has 10.
    pub max_parallelism: u32,
    /// Most URL groups. Default 10,000.
    pub max_url_groups: usize,
    /// Most endpoints of a URL group. Default 1000, QStash's "fixed 1M".
    pub max_endpoints: usize,
    /// Most schedules. Default 50,000, QStash's largest plan; several that are created at the same
    /// moment may exceed it by as many.
    pub max_schedules: u32,
    /// Most queues. Default 10,000; those that are made within the same ten seconds may exceed it.
    pub max_queues: i64,
    /// Most flow-control keys, as [`max_queues`](Self::max_queues). Default 1,000,000: a key without
    /// messages for half a day is deleted.
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
    /// For reading options that were accepted under other limits: none of theirs is too much.
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
    /// Larger than `max_body_bytes`, in QStash's words.
    pub fn check_body(&self, size_bytes: usize) -> Result<(), Invalid> {
        if size_bytes > self.max_body_bytes {
            return Err(Invalid::verbatim(
                "body",
                format!("quota maxMessageSize exceeded, current limit: {}", self.max_body_bytes),
            ));
        }
        Ok(())
    }

    /// Checks the length of a destination; callbacks are checked by
    /// [`Options::parse`](crate::Options::parse).
    ///
    /// # Errors
    ///
    /// Longer than `max_url_bytes`.
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
