//! Each button performs its API request, and the next page shows the result.

use dispatch::dispatcher::StepKind;
use reqwest::StatusCode;
use sigpost_qstash::MessageId;

use super::Console;
use crate::support::Answer;

impl Console {
    /// Publishes a message that fails, and returns it with its dead letter.
    async fn failed(&self, label: &str) -> (MessageId, String) {
        self.app.receiver.answers([Answer::status(500).body("{\"error\": \"no such customer\"}")]);
        let id = self.app.publish_here(&[("Upstash-Retries", "0"), ("Upstash-Label", label)], "{}").await.id();
        self.app.wait_for(id, StepKind::Failed).await;
        let letters = self.app.get(&format!("/v2/dlq?messageId={id}")).await;
        (id, letters.body["messages"][0]["dlqId"].as_str().expect("an id").to_owned())
    }
}

#[tokio::test]
async fn pending_message_is_delivered_now() {
    let console = Console::signed_in().await;
    let id = console.app.publish_here(&[("Upstash-Delay", "1h")], "hello").await.id();
    let done = console.post(&format!("/console/messages/{id}/retry"), &[]).await;
    assert_eq!((done.status, &*done.to), (StatusCode::SEE_OTHER, &*format!("/console/messages/{id}?notice=due")));
    assert!(console.get(&done.to).await.text.contains("The message is due now."));
    assert_eq!(&console.app.receiver.next().await.body[..], b"hello");
    console.app.wait_for(id, StepKind::Delivered).await;

    // The error text of the API.
    let again = console.post(&format!("/console/messages/{id}/retry"), &[]).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert!(again.text.contains(&format!("message {id} cannot be retried, it is already delivered")), "{}", again.text);
    let page = console.get(&format!("/console/messages/{id}")).await.text;
    for shown in ["delivered", "Attempt 1", "status <strong>200</strong>", "hello", "No run is recorded."] {
        assert!(page.contains(shown), "{shown} in {page}");
    }
}

#[tokio::test]
async fn irreversible_actions_require_confirmation() {
    let console = Console::signed_in().await;
    let id = console.app.publish_here(&[("Upstash-Delay", "1h")], "").await.id();
    let path = format!("/console/messages/{id}/cancel");
    let asked = console.post(&path, &[]).await;
    assert_eq!(asked.status, StatusCode::OK);
    assert!(asked.text.contains("Cancel this message?") && asked.text.contains("name=\"confirmed\""), "{}", asked.text);
    assert_eq!(console.app.message(id).await["state"], "CREATED");

    let done = console.post_confirmed(&path, &[]).await;
    assert_eq!(done.to, format!("/console/messages/{id}?notice=cancelled"));
    assert_eq!(console.app.message(id).await["state"], "CANCELED");
}

#[tokio::test]
async fn messages_are_found_by_filters() {
    let console = Console::signed_in().await;
    let (failed, _) = console.failed("of-shop").await;
    let waiting = console.app.publish_here(&[("Upstash-Delay", "1h"), ("Upstash-Label", "other")], "").await.id();
    for (query, has_failed, has_waiting) in [
        ("", true, true),
        ("?state=FAILED", true, false),
        ("?label=other", false, true),
        ("?q=127.0.0.1", true, true),
        ("?q=example.com", false, false),
        ("?label=of-shop&state=DELIVERED", false, false),
    ] {
        let page = console.get(&format!("/console/messages{query}")).await.text;
        assert_eq!(page.contains(&failed.to_string()), has_failed, "{query}");
        assert_eq!(page.contains(&waiting.to_string()), has_waiting, "{query}");
    }
    let page = console.get("/console/messages").await.text;
    assert!(page.contains("failed</span>") && page.contains("pending</span>"), "how each stands now: {page}");
    assert_eq!(console.get(&format!("/console/messages?q={waiting}")).await.to, format!("/console/messages/{waiting}"));
    let rejected = console.get("/console/messages?state=NONSENSE").await;
    assert_eq!(rejected.status, StatusCode::BAD_REQUEST);
    assert!(rejected.text.contains("must be a state of an event"), "{}", rejected.text);
}

#[tokio::test]
async fn dead_letter_is_shown_and_retried() {
    let console = Console::signed_in().await;
    let (id, letter) = console.failed("x").await;
    let list = console.get("/console/dead-letters").await.text;
    assert!(list.contains(&id.to_string()) && list.contains("no such customer"), "{list}");
    let page = console.get(&format!("/console/dead-letters/{letter}")).await.text;
    assert!(page.contains("no such customer") && page.contains(&format!("/console/messages/{id}")), "{page}");

    let done = console.post(&format!("/console/dead-letters/{letter}/retry"), &[]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    let (new, notice) = done.to.trim_start_matches("/console/messages/").split_once('?').expect("a notice");
    assert_eq!(notice, "notice=republished");
    let new: MessageId = new.parse().expect("an id");
    console.app.wait_for(new, StepKind::Delivered).await;
    assert_eq!(console.get(&format!("/console/dead-letters/{letter}")).await.status, StatusCode::NOT_FOUND);
    let page = console.get(&format!("/console/messages/{new}")).await.text;
    let original = format!("<dt>Original message</dt><dd><a href=\"/console/messages/{id}\">{id}</a></dd>");
    assert!(page.contains(&original), "{page}");
}

#[tokio::test]
async fn selected_dead_letters_are_retried_and_deleted() {
    let console = Console::signed_in().await;
    let (_, first) = console.failed("a").await;
    let (_, second) = console.failed("b").await;
    let (_, third) = console.failed("c").await;
    let left = async || console.app.get("/v2/dlq").await.body["messages"].as_array().expect("a list").len();

    let none = console.post("/console/dead-letters/retry", &[]).await;
    assert_eq!((&*none.to, left().await), ("/console/dead-letters?notice=none-chosen", 3));
    let delete = [("id", &*first), ("id", &*second), ("back", "/console/dead-letters?label=a")];
    assert!(console.post("/console/dead-letters/delete", &delete).await.text.contains(&format!("value=\"{second}\"")));
    assert_eq!(left().await, 3);
    let deleted = console.post_confirmed("/console/dead-letters/delete", &delete).await;
    assert_eq!((&*deleted.to, left().await), ("/console/dead-letters?label=a&notice=letters-deleted&n=2", 1));
    let retried = console.post("/console/dead-letters/retry", &[("id", &third)]).await;
    assert_eq!((&*retried.to, left().await), ("/console/dead-letters?notice=letters-retried&n=1", 0));
}

#[tokio::test]
async fn retry_of_all_matches_excludes_later_failures() {
    let console = Console::signed_in().await;
    console.failed("mine").await;
    console.failed("mine").await;
    console.failed("other").await;
    let until = console
        .app
        .database
        .count("select (extract(epoch from max(failed_at)) * 1000)::bigint from dead_letters")
        .await;
    // A bound is a whole number of milliseconds.
    console.app.database.execute("update dead_letters set failed_at = failed_at - interval '2 ms'").await;
    let (_, later) = console.failed("mine").await;
    let until = (until - 1).to_string();
    let fields = [("label", "mine"), ("until", &*until)];
    assert!(console.post("/console/dead-letters/retry-all", &fields).await.text.contains("Are you sure?"));
    let done = console.post_confirmed("/console/dead-letters/retry-all", &fields).await;
    assert!(done.to.starts_with("/console/dead-letters?label=mine&notice=letters-retried&n="), "{}", done.to);
    let left = console.app.get("/v2/dlq").await.body;
    let labels: Vec<_> =
        left["messages"].as_array().expect("a list").iter().map(|letter| letter["label"].clone()).collect();
    assert_eq!(labels, ["mine", "other"]);
    assert_eq!(left["messages"][0]["dlqId"], later);
}
