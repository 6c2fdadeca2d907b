//! Converts publications to messages. A request, an item of a batch and a firing of a schedule all publish through this
//! module.

use std::mem::take;
use std::sync::Arc;

use bytes::Bytes;
use sigpost_qstash::{Destination, Endpoint, MessageId, Options, PublishResponse, Published};
use sigpost_store::Error;
use sigpost_store::accept::NewMessage;
use sigpost_store::messages::{Extras, Message};
use sigpost_store::url_groups::UrlGroup;

use crate::budget::Share;
use crate::deduplicate::{Deduplicating, deduplicate};
use crate::intake::Intake;

/// Default number of retries (QStash's default).
pub(crate) const DEFAULT_RETRIES: u32 = 3;

/// The recipients of a publication.
#[derive(Clone, Debug)]
pub(crate) enum Recipients {
    /// One URL.
    Url(Destination),
    /// Every endpoint of a URL group. The items of a batch share the group.
    Group(Arc<UrlGroup>),
}

/// A parsed and validated publish.
#[derive(Clone, Debug)]
pub(crate) struct Publication {
    pub(crate) recipients: Recipients,
    /// Includes the queue.
    pub(crate) options: Options,
    /// Delivered unmodified.
    pub(crate) body: Bytes,
    /// The IP address of the publisher.
    pub(crate) caller_ip: Option<String>,
    /// The schedule, for a firing.
    pub(crate) schedule_id: Option<String>,
}

/// The result per message: see [`Intake::accept_all`].
pub(crate) type Results = std::vec::IntoIter<Result<Option<MessageId>, Error>>;

impl Publication {
    /// Returns the number of messages.
    pub(crate) fn len(&self) -> usize {
        match &self.recipients {
            Recipients::Url(_) => 1,
            Recipients::Group(group) => group.endpoints.len(),
        }
    }

    /// Creates the messages with new IDs: one, or one per endpoint in the order of the endpoints.
    pub(crate) fn messages(&self, deduplicating: &Deduplicating) -> Vec<NewMessage> {
        let message = |url: &Destination, extras: Extras| {
            let extras = Extras { schedule_id: self.schedule_id.clone(), ..extras };
            let (options, body, caller_ip) = (self.options.clone(), self.body.clone(), self.caller_ip.clone());
            message(url, options, body, caller_ip, extras, deduplicating)
        };
        match &self.recipients {
            Recipients::Url(url) => vec![message(url, Extras::default())],
            Recipients::Group(group) => {
                let to_endpoint = |endpoint: &Endpoint| {
                    let (topic_name, endpoint_name) = (Some(group.name.clone()), endpoint.name.clone());
                    message(&endpoint.url, Extras { topic_name, endpoint_name, ..Extras::default() })
                };
                group.endpoints.iter().map(to_endpoint).collect()
            }
        }
    }

    /// Stores the messages and returns after the commit. Returns an error if the messages of a URL group were stored only
    /// in part: the caller retries, with a deduplication ID to avoid duplicates.
    pub(crate) async fn publish(
        self,
        intake: &Intake,
        deduplicating: &Deduplicating,
        share: Option<Share>,
    ) -> Result<Published, Error> {
        let Recipients::Url(url) = self.recipients else {
            let messages = self.messages(deduplicating);
            let ids: Vec<MessageId> = messages.iter().map(|new| new.message.id).collect();
            return self.answer(&ids, &mut intake.accept_all(messages, share).await.into_iter());
        };
        // The most frequent case: nothing is copied.
        let extras = Extras { schedule_id: self.schedule_id, ..Extras::default() };
        let new = message(&url, self.options, self.body, self.caller_ip, extras, deduplicating);
        let id = new.message.id;
        Ok(Published::One(response(&url, id, intake.accept(new, share).await?)))
    }

    /// Builds the response from the IDs of the messages and as many results.
    pub(crate) fn answer(&self, ids: &[MessageId], results: &mut Results) -> Result<Published, Error> {
        // Takes all results of this publication even if the first is an error: the next belongs to another one.
        let mut accepted = results.take(ids.len()).collect::<Vec<_>>().into_iter().zip(ids);
        let mut respond = |url: &Destination| match accepted.next() {
            Some((result, id)) => Ok(response(url, *id, result?)),
            None => Err(Error::Unavailable("a message has no result".into())),
        };
        Ok(match &self.recipients {
            Recipients::Url(url) => Published::One(respond(url)?),
            Recipients::Group(group) => Published::Many(
                group.endpoints.iter().map(|endpoint| respond(&endpoint.url)).collect::<Result<_, _>>()?,
            ),
        })
    }
}

fn message(
    url: &Destination,
    mut options: Options,
    body: Bytes,
    caller_ip: Option<String>,
    extras: Extras,
    deduplicating: &Deduplicating,
) -> NewMessage {
    let mut header = take(&mut options.headers);
    if let Some(authorization) = url.authorization() {
        header.set_url_authorization(authorization);
    }
    let message = Message {
        id: MessageId::new(),
        url: url.as_str().to_owned(),
        method: options.method,
        header,
        body,
        retries: options.retries.unwrap_or(DEFAULT_RETRIES),
        timeout: options.timeout,
        retry_delay: options.retry_delay.take(),
        callback: options.callback.take(),
        failure_callback: options.failure_callback.take(),
        labels: take(&mut options.labels),
        caller_ip,
        callback_of: None,
        extras: Extras {
            queue_name: options.queue_name.take(),
            flow_control: take(&mut options.flow_control),
            priority: options.priority,
            redact: take(&mut options.redact),
            ..extras
        },
    };
    let deduplicate = deduplicate(&options, &message, deduplicating);
    NewMessage { message, start: options.start, deduplicate }
}

fn response(url: &Destination, id: MessageId, duplicate_of: Option<MessageId>) -> PublishResponse {
    PublishResponse {
        message_id: duplicate_of.unwrap_or(id),
        url: url.as_str().to_owned(),
        deduplicated: duplicate_of.is_some(),
    }
}
