//! Responses to deliveries, on a real Postgres.

use serde_json::json;
use sigpost_jobs::payloads::NewJob;
use tests::deliver;

#[tokio::test]
async fn who_is_named_is_greeted() {
    let job = NewJob { name: "Ada".into() };
    let answered = deliver(new_job::router, &job).await;
    assert_eq!(answered, (200, json!({ "success": true, "result": "Hello, Ada!" })));
}

#[tokio::test]
async fn a_job_without_a_name_is_given_up_with_the_reason() {
    let job = NewJob { name: " ".into() };
    let (status, body) = deliver(new_job::router, &job).await;
    assert_eq!((status, &body["error"]), (489, &json!("name: must not be empty")));
}
