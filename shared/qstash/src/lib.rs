//! QStash's wire protocol: the meaning of requests and the form of responses.
//!
//! Everything here is a pure function of its arguments: no I/O, no tasks, no clock (except [`MessageId::new`]), so
//! that every decision can be tested with literals. The crate does not store, claim or send messages.
//!
//! | Direction | Start at |
//! |---|---|
//! | a publish arrives | [`Params`] → [`Options`], and [`Destination::from_raw`]; [`BatchItem`] for many |
//! | a schedule is created | [`ScheduleOptions`], and then [`Cron`] says when it fires |
//! | a message is delivered | [`Signer`], [`names`], [`Options::headers`](options::Options::headers) |
//! | an attempt failed | [`retry_after()`], [`RetryDelay`], [`default_backoff`], [`is_non_retryable`] |
//! | a response is written or read | [`Message`], [`EventsPage`], [`DeadLettersPage`], [`Queue`], [`Schedule`], [`UrlGroup`], [`FlowControlKey`] |
//! | the admin API responds | [`admin`] |

pub mod admin;
pub mod attempt;
pub mod backoff;
mod base58;
pub mod batch;
pub mod body;
pub mod callback;
pub mod catch_up;
pub mod counts;
pub mod cron;
pub mod dead_letter;
pub mod deduplicate;
pub mod destination;
pub mod duration;
pub mod error;
pub mod error_body;
pub mod error_code;
pub mod event;
pub mod event_state;
mod flag;
pub mod flow_control;
pub mod flow_control_key;
pub mod header_map;
pub mod health;
mod hex;
pub mod id;
pub mod json;
pub mod limits;
pub mod message;
pub mod method;
mod milliseconds;
pub mod names;
pub mod next_page;
pub mod non_retryable;
pub mod options;
pub mod params;
pub mod publish;
pub mod queue;
pub mod redact;
pub mod resource_name;
pub mod retry_after;
pub mod retry_delay;
pub mod schedule;
pub mod schedule_options;
mod seconds;
pub mod sign;
pub mod signing_key;
mod spelling;
pub mod start;
pub mod traceparent;
pub mod url_group;
pub mod verify;

pub use attempt::{Attempt, AttemptState};
pub use backoff::default_backoff;
pub use batch::{BatchItem, BatchSlot};
pub use body::Body;
pub use callback::CallbackBody;
pub use catch_up::CatchUp;
pub use counts::{Cancelled, Deleted, Retried, RetriedMessage};
pub use cron::{AwsSchedule, Cron};
pub use dead_letter::{DeadLetter, DeadLettersPage};
pub use deduplicate::{content_key, endpoint_key, explicit_key};
pub use destination::{Called, Destination, Target, without_user_info};
pub use duration::{parse_duration, parse_go_duration};
pub use error::Invalid;
pub use error_body::ErrorBody;
pub use error_code::ErrorCode;
pub use event::{Event, EventsPage};
pub use event_state::EventState;
pub use flow_control::FlowControl;
pub use flow_control_key::{FlowControlKey, GlobalParallelism};
pub use header_map::{Headers, canonical_name};
pub use health::Health;
pub use id::{CallbackKind, Cursor, DeadLetterId, InvalidId, MessageId, new_jwt_id, new_schedule_id};
pub use limits::Limits;
pub use message::Message;
pub use method::Method;
pub use non_retryable::is_non_retryable;
pub use options::parameters::{PARAMETERS, Parameter};
pub use options::{Callback, Deduplication, Options};
pub use params::Params;
pub use publish::{PublishResponse, Published};
pub use queue::{Queue, UpsertQueue};
pub use redact::Redact;
pub use resource_name::{is_resource_name, parse_resource_name};
pub use retry_after::retry_after;
pub use retry_delay::RetryDelay;
pub use schedule::{Schedule, ScheduleCreated, ScheduleRun, ScheduleState};
pub use schedule_options::ScheduleOptions;
pub use sign::Signer;
pub use signing_key::{DEV_CURRENT_KEY, DEV_NEXT_KEY, DEV_TOKEN, SigningKeys};
pub use start::Start;
pub use traceparent::Traceparent;
pub use url_group::{EditEndpoints, Endpoint, EndpointRef, UrlGroup, UrlGroupDefaults};
pub use verify::{KeyUsed, SignatureError, Verified, Verifier};
