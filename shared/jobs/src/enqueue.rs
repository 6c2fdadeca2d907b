//! Enqueuing over HTTP.
//!
//! For a job that belongs to data in the same database, use [`enqueue_in`](crate::enqueue_in()): it stores the job in the
//! same transaction as the data.

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use sigpost_client::{Error, NewMessage, Rejection};
use tokio::time::sleep;
use uuid::Uuid;

use crate::publication::Publication;
use crate::{Client, EnqueueOptions, Invalid, Job};

/// Pauses before retries.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(400)];

/// Result of enqueuing a job. It is a response of sigpost or of QStash, whose message IDs have another form.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Enqueued {
    /// Message ID. IDs of sigpost parse as `sigpost_qstash::MessageId`.
    pub message_id: String,
    /// Whether nothing was stored, and the ID is that of the earlier message with the same deduplication ID.
    #[serde(default)]
    pub deduplicated: bool,
}

/// Error of enqueuing a job.
#[derive(Debug, thiserror::Error)]
pub enum EnqueueError {
    /// The job or the options are invalid. Nothing was sent.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The dispatcher rejected the job. Nothing was stored.
    #[error("the dispatcher returned {status}: {text}")]
    Rejected {
        /// The HTTP status.
        status: u16,
        /// The dispatcher's error.
        text: String,
    },
    /// No connection could be made. Nothing was sent.
    #[error("the dispatcher cannot be reached: {0}")]
    Unreachable(String),
    /// A request was sent and no response could be read: the job may be stored. Enqueuing it again is safe only with a
    /// deduplication ID of the caller.
    #[error("unknown whether the job was enqueued: {0}")]
    Unknown(String),
    /// The database is unavailable or rejected the statement (`enqueue_in` only). The transaction is aborted.
    #[error(transparent)]
    Database(#[from] sigpost_store::Error),
}

/// Publishes a job. Retries twice if the connection fails. All requests have the same deduplication ID, the caller's or a
/// generated one, so the job is stored once.
///
/// # Errors
///
/// See [`EnqueueError`].
pub async fn enqueue<J: Job>(client: &Client, job: &J, options: EnqueueOptions) -> Result<Enqueued, EnqueueError> {
    let mut publication = Publication::new(&client.handlers, job, &options, Timestamp::now())?;
    publication.deduplication_id.get_or_insert_with(|| format!("enqueue-{}", Uuid::now_v7()));
    let url = publication.destination.as_str().to_owned();
    tracing::debug!(job_type = J::TYPE, url, "[jobs] Enqueueing job");
    match publish(client, publication).await {
        Ok(mut enqueued) => {
            // With a generated ID, a duplicate is an earlier request of this call.
            enqueued.deduplicated &= options.deduplication_id.is_some();
            let Enqueued { message_id, deduplicated } = &enqueued;
            tracing::info!(message_id, deduplicated, job_type = J::TYPE, url, "[jobs] Job enqueued successfully");
            Ok(enqueued)
        }
        Err(error) => {
            tracing::error!(job_type = J::TYPE, url, %error, "[jobs] Failed to enqueue job");
            Err(error)
        }
    }
}

async fn publish(client: &Client, publication: Publication) -> Result<Enqueued, EnqueueError> {
    let (destination, message) = message(publication);
    let mut sent = false;
    let mut pauses = PAUSES.iter();
    loop {
        let call = client.api.publish_message(&destination, &message).read_as::<Enqueued>();
        let cause = match call.await {
            Ok(enqueued) => return Ok(enqueued),
            Err(Error::Unreachable { cause, is_sent, .. }) => {
                sent |= is_sent;
                cause
            }
            Err(error) => return Err(rejected(error)),
        };
        match pauses.next() {
            Some(pause) => sleep(*pause).await,
            None if sent => return Err(EnqueueError::Unknown(cause)),
            None => return Err(EnqueueError::Unreachable(cause)),
        }
    }
}

fn message(publication: Publication) -> (String, NewMessage) {
    let Publication { destination, body, retries, timeout, delay, deduplication_id, headers } = publication;
    let mut message = NewMessage {
        body: body.into(),
        retries: Some(retries),
        timeout: Some(seconds(timeout)),
        delay: (!delay.is_zero()).then(|| seconds(delay)),
        deduplication_id,
        ..NewMessage::json()
    };
    for (name, value) in headers {
        message.forward(name, &value);
    }
    (destination.as_str().to_owned(), message)
}

/// Formats a duration. QStash reads whole seconds, so fractions appear only if given.
fn seconds(duration: Duration) -> String {
    match duration.subsec_millis() {
        0 => format!("{}s", duration.as_secs()),
        millis => format!("{}.{millis:03}s", duration.as_secs()),
    }
}

fn rejected(error: Error) -> EnqueueError {
    match error {
        Error::Status(Rejection { status, error, .. }) => {
            EnqueueError::Rejected { status: status.as_u16(), text: error }
        }
        Error::InvalidRequest(why) => EnqueueError::Unreachable(why),
        other => EnqueueError::Unknown(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use axum::Router;
    use axum::extract::{Request, State};
    use axum::http::{HeaderMap, StatusCode};
    use axum::routing::post;
    use serde::Serialize;
    use serde_json::json;
    use tokio::net::TcpListener;

    use super::*;
    use crate::Handlers;

    #[derive(Serialize, Deserialize)]
    struct Greet {
        name: String,
    }

    impl Job for Greet {
        const TYPE: &'static str = "greet";
        const ENDPOINT: &'static str = "/api/jobs/greet";
    }

    type Seen = Arc<Mutex<Vec<(String, HeaderMap, Vec<u8>)>>>;

    /// A dispatcher that answers everything with this, and remembers what it was asked.
    async fn dispatcher(status: u16, body: &str) -> (Client, Seen) {
        let seen = Seen::default();
        let answer = (StatusCode::from_u16(status).expect("status"), body.to_owned());
        let record = move |State(seen): State<Seen>, request: Request| {
            let answer = answer.clone();
            async move {
                let (parts, body) = request.into_parts();
                let body = axum::body::to_bytes(body, 4096).await.expect("body");
                seen.lock().expect("lock").push((parts.uri.path().to_owned(), parts.headers, body.to_vec()));
                answer
            }
        };
        let router = Router::new().route("/v2/publish/{*destination}", post(record)).with_state(Arc::clone(&seen));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("address"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        (Client::new(&url, "token", handlers()).expect("a URL"), seen)
    }

    fn handlers() -> Handlers {
        Handlers::at("https://a.example/").expect("a URL")
    }

    fn greet() -> Greet {
        Greet { name: "Ada".into() }
    }

    #[tokio::test]
    async fn job_is_published_with_its_own_options() {
        let (client, seen) = dispatcher(200, r#"{"messageId":"msg_1","url":"https://a.example/api/jobs/greet"}"#).await;
        let options = EnqueueOptions {
            delay: Duration::from_millis(1500),
            deduplication_id: Some("greet-1".into()),
            correlation_id: Some("order-7".into()),
            ..EnqueueOptions::default()
        };
        let enqueued = enqueue(&client, &greet(), options).await.expect("accepted");
        assert_eq!(enqueued, Enqueued { message_id: "msg_1".into(), deduplicated: false });

        let seen = seen.lock().expect("lock");
        let [(path, headers, body)] = &seen[..] else { panic!("one request") };
        assert_eq!(path, "/v2/publish/https://a.example/api/jobs/greet");
        assert_eq!(body, br#"{"name":"Ada"}"#);
        let header = |name: &str| headers.get(name).map(|value| value.to_str().expect("text"));
        assert_eq!(header("authorization"), Some("Bearer token"));
        assert_eq!(header("content-type"), Some("application/json"));
        assert_eq!(header("upstash-retries"), Some("3"));
        assert_eq!(header("upstash-timeout"), Some("35s"));
        assert_eq!(header("upstash-delay"), Some("1.500s"));
        assert_eq!(header("upstash-deduplication-id"), Some("greet-1"));
        assert_eq!(header("upstash-forward-x-correlation-id"), Some("order-7"));
    }

    #[tokio::test]
    async fn duplicate_differs_from_a_new_message() {
        let (client, _) = dispatcher(202, r#"{"messageId":"msg_1","url":"x","deduplicated":true}"#).await;
        let own = EnqueueOptions { deduplication_id: Some("greet-1".into()), ..EnqueueOptions::default() };
        assert!(enqueue(&client, &greet(), own).await.expect("accepted").deduplicated);
        // Without an id of the caller's it can only be an earlier try of this very job.
        assert!(!enqueue(&client, &greet(), EnqueueOptions::default()).await.expect("accepted").deduplicated);
    }

    #[tokio::test]
    async fn rejection_has_the_text_of_the_dispatcher_and_is_not_repeated() {
        let (client, seen) = dispatcher(503, &json!({ "error": "the database is unavailable" }).to_string()).await;
        let error = enqueue(&client, &greet(), EnqueueOptions::default()).await.expect_err("rejected");
        assert_eq!(error.to_string(), "the dispatcher returned 503: the database is unavailable");
        assert_eq!(seen.lock().expect("lock").len(), 1);
    }

    #[tokio::test]
    async fn unreadable_answer_leaves_it_open_whether_the_job_is_stored() {
        let (client, _) = dispatcher(200, "<html>").await;
        let error = enqueue(&client, &greet(), EnqueueOptions::default()).await.expect_err("unreadable");
        assert!(matches!(error, EnqueueError::Unknown(_)), "{error}");
    }

    #[tokio::test]
    async fn dispatcher_that_is_away_is_unreachable() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("address"));
        drop(listener);
        let client = Client::new(&url, "token", handlers()).expect("a URL");
        let error = enqueue(&client, &greet(), EnqueueOptions::default()).await.expect_err("away");
        assert!(matches!(error, EnqueueError::Unreachable(_)), "{error}");
    }

    #[test]
    fn client_does_not_show_its_token() {
        let client = Client::new("https://q.example", "s3cret", handlers()).expect("a URL");
        assert!(!format!("{client:?}").contains("s3cret"));
    }
}
