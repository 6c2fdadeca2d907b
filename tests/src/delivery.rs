//! One delivery to a handler, for the tests in the handler's package.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use jiff::Timestamp;
use serde_json::Value;
use sigpost_jobs::{Harness, Job};
use sigpost_qstash::{DEV_CURRENT_KEY, MessageId, Signer, SigningKeys};
use sigpost_runtime::KeyRing;
use sigpost_store::Database;
use tower::ServiceExt;

use crate::TestDatabase;

const BASE_URL: &str = "https://handlers.example";

/// Delivers the job to its handler with a dispatcher's signature, on a new database. Returns the status and the JSON
/// of the response.
///
/// # Panics
///
/// If there is no response.
pub async fn deliver<J: Job>(router: impl FnOnce(Harness) -> Router, job: &J) -> (u16, Value) {
    let database = TestDatabase::new().await;
    let pool = Database::new(&database.url, 3).expect("a URL");
    let router = router(Harness::new(pool, KeyRing::new(SigningKeys::dev()), BASE_URL));
    let body = serde_json::to_vec(job).expect("JSON");
    let token = Signer::new(DEV_CURRENT_KEY).sign(&format!("{BASE_URL}{}", J::ENDPOINT), &body, Timestamp::now());
    let request = Request::post(J::ENDPOINT)
        .header("Upstash-Signature", token)
        .header("Upstash-Message-Id", MessageId::new().to_string())
        .body(Body::from(body))
        .expect("a request");
    let answer = router.oneshot(request).await.expect("a response");
    let status = answer.status().as_u16();
    let body = to_bytes(answer.into_body(), usize::MAX).await.expect("a body");
    (status, serde_json::from_slice(&body).expect("JSON"))
}
