//! Route of a handler.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use sigpost_runtime::ApiError;

use crate::delivery::{Request, Worker, deliver};
use crate::{Handler, Harness, Invalid, Job};

/// Returns the route `POST` on the job's endpoint.
pub fn router<H: Handler>(handler: H, harness: Harness) -> Router {
    let limit = DefaultBodyLimit::max(harness.max_body_bytes);
    Router::new()
        .route(H::Job::ENDPOINT, post(receive_delivery::<H>).layer(limit))
        .with_state(Arc::new(Worker::new(handler, harness)))
}

async fn receive_delivery<H: Handler>(
    State(worker): State<Arc<Worker<H>>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            return ApiError::too_large(worker.harness.max_body_bytes).into_response();
        }
        Err(_) => {
            let error = Invalid::new("body", "the connection closed before the body was complete");
            return ApiError::from(error).into_response();
        }
    };
    // A separate task, so that a sender that closes the connection does not stop the run before its record.
    let delivery = tokio::spawn(async move { deliver(&worker, Request { headers, body }).await });
    match delivery.await {
        Ok(answer) => answer.into_response(),
        Err(why) => ApiError::internal(why).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use jiff::Timestamp;
    use serde::{Deserialize, Serialize};
    use serde_json::{Value, json};
    use sigpost_qstash::{Signer, SigningKeys};
    use sigpost_runtime::KeyRing;
    use sigpost_store::Database;
    use tower::ServiceExt;

    use super::*;
    use crate::{JobContext, JobError, Outcome};

    #[derive(Serialize, Deserialize)]
    struct Greet {
        name: String,
    }

    impl Job for Greet {
        const TYPE: &'static str = "greet";
        const ENDPOINT: &'static str = "/api/jobs/greet";
    }

    /// Must not be reached: nothing is run that is not recorded.
    struct Never;

    impl Handler for Never {
        type Job = Greet;

        async fn run(&self, _job: Greet, _ctx: &JobContext) -> Result<Outcome, JobError> {
            panic!("the job was run")
        }
    }

    /// A handler whose database is away.
    async fn answer(request: axum::http::request::Builder, body: &str) -> (u16, Option<String>, Value) {
        let keys = SigningKeys { current: "sig_current".into(), next: "sig_next".into() };
        let database = Database::new("postgres://user@127.0.0.1:1/none?sslmode=disable", 2).expect("a URL");
        let harness = Harness::new(database, KeyRing::new(keys), "https://a.example/");
        let router = router(Never, Harness { max_body_bytes: 100, ..harness });
        let request = request.body(Body::from(body.to_owned())).expect("a request");
        let response = router.oneshot(request).await.expect("a response");
        let status = response.status().as_u16();
        let retry_after = response.headers().get("retry-after").map(|value| value.to_str().expect("text").to_owned());
        let body = to_bytes(response.into_body(), 4096).await.expect("a body");
        (status, retry_after, serde_json::from_slice(&body).unwrap_or_default())
    }

    fn signed(url: &str, body: &str) -> axum::http::request::Builder {
        let token = Signer::new("sig_current").sign(url, body.as_bytes(), Timestamp::now());
        Request::post(Greet::ENDPOINT).header("Upstash-Signature", token).header("Upstash-Message-Id", "msg_1")
    }

    const URL: &str = "https://a.example/api/jobs/greet";

    #[tokio::test]
    async fn stranger_learns_nothing() {
        for (request, sent, error) in [
            (Request::post(Greet::ENDPOINT), "{}", "Missing signature"),
            (signed("https://b.example/api/jobs/greet", "{}"), "{}", "Invalid signature"),
            (signed(URL, "{}"), "{ }", "Invalid signature"),
        ] {
            let (status, _, body) = answer(request, sent).await;
            assert_eq!((status, &body["error"], &body["code"]), (401, &json!(error), &json!("unauthorized")));
        }
    }

    #[tokio::test]
    async fn body_over_the_limit_is_rejected_before_anything_else() {
        let body = "x".repeat(101);
        let (status, _, body) = answer(Request::post(Greet::ENDPOINT), &body).await;
        assert_eq!((status, &body["error"]), (413, &json!("body: quota maxMessageSize exceeded, current limit: 100")));
    }

    #[tokio::test]
    async fn job_that_can_never_run_is_rejected_for_good() {
        let (status, _, body) = answer(signed(URL, "{}"), "{}").await;
        assert_eq!((status, &body["error"], &body["code"]), (489, &json!("name: is missing"), &json!("job_invalid")));
    }

    #[tokio::test]
    async fn job_that_cannot_be_recorded_is_not_run() {
        let job = r#"{"name":"Ada"}"#;
        let (status, retry_after, body) = answer(signed(URL, job), job).await;
        assert_eq!((status, retry_after.as_deref()), (503, None));
        assert_eq!(body["error"], "the database is unavailable, the job was not run");
    }

    #[tokio::test]
    async fn only_post_is_a_delivery() {
        assert_eq!(answer(Request::get(Greet::ENDPOINT), "").await.0, 405);
    }
}
