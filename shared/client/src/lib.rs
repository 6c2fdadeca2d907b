//! Typed client of sigpost's API, `/v2/…`, and of its admin API, `/api/admin/…`.
//!
//! Requests and responses are the types of [`sigpost_qstash`] that the server uses, so that a changed field changes on
//! both sides. A method returns a [`Call`], which is sent when it is awaited:
//!
//! ```no_run
//! use sigpost_client::{Client, Credentials, DeadLetterFilter, NewMessage};
//!
//! # async fn example() -> Result<(), sigpost_client::Error> {
//! let api = Client::new("http://127.0.0.1:8080", Credentials::Token("token".into()))?;
//! let message = NewMessage { body: r#"{"retention": 90}"#.into(), ..NewMessage::json() };
//! let published = api.publish_message("http://127.0.0.1:8080/api/jobs/cleanup", &message).await?;
//! println!("{}", published.messages()[0].message_id);
//!
//! let mut pages = api.list_dead_letters(&DeadLetterFilter::default()).count(100).pages();
//! while let Some(page) = pages.next().await? {
//!     page.messages.iter().for_each(|letter| println!("{}", letter.dlq_id));
//! }
//! # Ok(())
//! # }
//! ```
//!
//! [`Call::response`] returns the response with its JSON. A request has a timeout and a response has a maximum size.
//! Redirects are not followed, because the token would be sent to another host.

mod admin;
mod call;
mod client;
mod connection;
mod dead_letters;
mod error;
mod events;
mod filter;
mod flow_control;
mod messages;
mod pages;
mod path;
mod publish;
mod queues;
mod response;
mod schedules;
mod url_groups;

pub use admin::AdminClient;
pub use call::Call;
pub use client::Client;
pub use connection::{Credentials, MAX_RESPONSE_BYTES, Sign, Signing, TIMEOUT};
pub use dead_letters::DeadLetterFilter;
pub use error::{Error, Rejection};
pub use events::EventFilter;
pub use filter::MessageFilter;
pub use flow_control::Pin;
pub use pages::{Paged, Pages};
pub use path::destination;
pub use publish::NewMessage;
pub use response::Response;
pub use schedules::NewSchedule;

/// The response of requests that return nothing else: an empty object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
pub struct Done {}
