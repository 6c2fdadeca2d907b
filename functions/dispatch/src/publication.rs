//! From what somebody wants to publish to the messages that are stored. Every way to publish goes
//! through here: a request, an item of a batch, a schedule that fires.

use bytes::Bytes;
use serde::Serialize;
use sigpost_qstash::{Destination, MessageId, Options, PublishResponse};
use sigpost_store::Error;
use sigpost_store::accept::NewMessage;
use sigpost_store::messages::{Extras, Message};
use sigpost_store::url_groups::UrlGroup;

use crate::deduplicate::{Deduplicating, deduplicate};
use crate::intake::Intake;

/// Attempts after the first, when the publish does not say (QStash's default).
const DEFAULT_RETRIES: u32 = 3;

/// Who gets it.
#[derive(Clone, Debug)]
pub(crate) enum Recipients {
    /// One URL.
    Url(Destination),
    /// Every endpoint of a URL group.
    Group(UrlGroup),
}

/// What is published: everything is read and checked.
#[derive(Clone, Debug)]
pub(crate) struct Publication {
    /// Who gets it.
    pub(crate) recipients: Recipients,
    /// What it asks for; the queue among it.
    pub(crate) options: Options,
    /// Delivered unmodified.
    pub(crate) body: Bytes,
    /// Who publishes it.
    pub(crate) caller_ip: Option<String>,
    /// The schedule that publishes it.
    pub(crate) schedule_id: Option<String>,
}

/// What became of a publication, as it is answered.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Published {
    /// To a URL.
    One(PublishResponse),
    /// To a URL group: one for each endpoint, in their order.
    Many(Vec<PublishResponse>),
}

impl Published {
    /// Nothing of it was stored.
    pub(crate) fn is_duplicate(&self) -> bool {
        match self {
            Self::One(response) => response.deduplicated,
            Self::Many(responses) => responses.iter().all(|response| response.deduplicated),
        }
    }
}

/// Of each message, whether it was stored: see [`Intake::accept_all`].
pub(crate) type Results = std::vec::IntoIter<Result<Option<MessageId>, Error>>;

impl Publication {
    /// How many messages it is.
    pub(crate) fn len(&self) -> usize {
        match &self.recipients {
            Recipients::Url(_) => 1,
            Recipients::Group(group) => group.endpoints.len(),
        }
    }

    /// Its messages, each with an id of its own: one, or those for the endpoints in their order.
    pub(crate) fn messages(&self, deduplicating: &Deduplicating) -> Vec<NewMessage> {
        match &self.recipients {
            Recipients::Url(url) => vec![self.message(url, Extras::default(), deduplicating)],
            Recipients::Group(group) => {
                let to_endpoint = |endpoint: &sigpost_qstash::Endpoint| {
                    let extras = Extras {
                        topic_name: Some(group.name.clone()),
                        endpoint_name: endpoint.name.clone(),
                        ..Extras::default()
                    };
                    self.message(&endpoint.url, extras, deduplicating)
                };
                group.endpoints.iter().map(to_endpoint).collect()
            }
        }
    }

    /// Stores it, and returns after the commit. Of a group that was stored in part it is an error:
    /// the caller tries again, with a deduplication id if nobody may get it twice.
    pub(crate) async fn publish(self, intake: &Intake, deduplicating: &Deduplicating) -> Result<Published, Error> {
        let Recipients::Url(url) = &self.recipients else {
            let messages = self.messages(deduplicating);
            let ids: Vec<MessageId> = messages.iter().map(|new| new.message.id).collect();
            return self.answer(&ids, &mut intake.accept_all(messages).await.into_iter());
        };
        let new = self.message(url, Extras::default(), deduplicating);
        let id = new.message.id;
        Ok(Published::One(response(url, id, intake.accept(new).await?)))
    }

    /// The answer, from the ids that its messages were given and as many results.
    pub(crate) fn answer(&self, ids: &[MessageId], results: &mut Results) -> Result<Published, Error> {
        // All of its results are taken, whatever the first is: the next belongs to somebody else.
        let mut accepted = results.take(ids.len()).collect::<Vec<_>>().into_iter().zip(ids);
        let mut respond = |url: &Destination| match accepted.next() {
            Some((result, id)) => Ok(response(url, *id, result?)),
            None => Err(Error::Unavailable("a message was not answered".into())),
        };
        Ok(match &self.recipients {
            Recipients::Url(url) => Published::One(respond(url)?),
            Recipients::Group(group) => Published::Many(
                group.endpoints.iter().map(|endpoint| respond(&endpoint.url)).collect::<Result<_, _>>()?,
            ),
        })
    }

    fn message(&self, url: &Destination, extras: Extras, deduplicating: &Deduplicating) -> NewMessage {
        let options = &self.options;
        let message = Message {
            id: MessageId::new(),
            url: url.as_str().to_owned(),
            method: options.method,
            header: options.headers.clone(),
            body: self.body.clone(),
            retries: options.retries.unwrap_or(DEFAULT_RETRIES),
            timeout: options.timeout,
            retry_delay: options.retry_delay.clone(),
            callback: options.callback.clone(),
            failure_callback: options.failure_callback.clone(),
            labels: options.labels.clone(),
            caller_ip: self.caller_ip.clone(),
            callback_of: None,
            extras: Extras {
                queue_name: options.queue_name.clone(),
                flow_control: options.flow_control.clone(),
                priority: options.priority,
                schedule_id: self.schedule_id.clone(),
                redact: options.redact.clone(),
                ..extras
            },
        };
        let deduplicate = deduplicate(options, &message, deduplicating);
        NewMessage { message, start: options.start, deduplicate }
    }
}

fn response(url: &Destination, id: MessageId, duplicate_of: Option<MessageId>) -> PublishResponse {
    PublishResponse {
        message_id: duplicate_of.unwrap_or(id),
        url: url.as_str().to_owned(),
        deduplicated: duplicate_of.is_some(),
    }
}
