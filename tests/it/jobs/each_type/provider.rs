//! A third-party provider over HTTP that recognizes repeated requests by their key.

use std::collections::BTreeSet;
use std::sync::Mutex;

use crate::support::{Answer, Received, Receiver};

/// Returns the same response to every request, and counts distinct effects.
pub(super) struct Provider {
    receiver: Receiver,
    answer: Answer,
    /// Returns the name of a request's effect, which is the same when the request is repeated.
    effect: fn(&Received) -> Option<String>,
    seen: Mutex<BTreeSet<String>>,
}

impl Provider {
    /// A Resend stand-in that accepts every e-mail.
    pub(super) async fn resend() -> Self {
        let answer = Answer::status(200).header("Content-Type", "application/json").body(r#"{"id":"e1"}"#);
        Self::start(answer, |request| Some(request.header("idempotency-key").to_owned())).await
    }

    /// An S3 stand-in that accepts every file. Its single response has the fields that each step of an upload needs.
    pub(super) async fn s3() -> Self {
        let answer = Answer::status(200)
            .header("ETag", "\"1\"")
            .body("<Result><UploadId>upload-1</UploadId><ETag>\"1\"</ETag></Result>");
        let completed = |request: &Received| {
            let completes = request.method == "POST" && request.uri.query() == Some("uploadId=upload-1");
            completes.then(|| request.uri.path().to_owned())
        };
        Self::start(answer, completed).await
    }

    async fn start(answer: Answer, effect: fn(&Received) -> Option<String>) -> Self {
        let receiver = Receiver::start().await;
        receiver.otherwise(answer.clone());
        Self { receiver, answer, effect, seen: Mutex::default() }
    }

    pub(super) fn url(&self) -> String {
        self.receiver.url("/")
    }

    /// Sets the next response.
    pub(super) fn answers(&self, answer: Answer) {
        self.receiver.answers([answer]);
    }

    /// Holds the responses from the request of this number on, from 1.
    pub(super) fn hold(&self, number: usize) {
        self.receiver.answers((1..number).map(|_| self.answer.clone()));
        self.receiver.otherwise(self.answer.clone().held());
    }

    /// Waits for this many requests.
    pub(super) async fn asked(&self, count: usize) {
        let requests = self.receiver.next_many(count).await;
        self.count(&requests);
    }

    pub(super) fn release(&self) {
        self.receiver.otherwise(self.answer.clone());
        self.receiver.release(1);
    }

    /// Returns the number of distinct effects.
    pub(super) async fn effects(&self) -> i64 {
        let requests = self.receiver.all_so_far().await;
        self.count(&requests)
    }

    fn count(&self, requests: &[Received]) -> i64 {
        let mut seen = self.seen.lock().expect("lock");
        seen.extend(requests.iter().filter_map(self.effect));
        i64::try_from(seen.len()).expect("few")
    }
}
