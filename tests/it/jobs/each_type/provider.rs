//! Somebody else over HTTP, who knows what is the same by its key.

use std::collections::BTreeSet;
use std::sync::Mutex;

use crate::support::{Answer, Received, Receiver};

/// Answers every request in the same way, and counts effects.
pub(super) struct Provider {
    receiver: Receiver,
    answer: Answer,
    /// What a request brings about, by a name that is the same when it is made again.
    effect: fn(&Received) -> Option<String>,
    seen: Mutex<BTreeSet<String>>,
}

impl Provider {
    /// A Resend that takes every e-mail.
    pub(super) async fn resend() -> Self {
        let answer = Answer::status(200).header("Content-Type", "application/json").body(r#"{"id":"e1"}"#);
        Self::start(answer, |request| Some(request.header("idempotency-key").to_owned())).await
    }

    /// An S3 that takes every file. Its one answer has what each step of an upload looks for.
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

    /// The next answer is another one.
    pub(super) fn answers(&self, answer: Answer) {
        self.receiver.answers([answer]);
    }

    /// Holds back the answers from the request of this number on, from 1.
    pub(super) fn hold(&self, number: usize) {
        self.receiver.answers((1..number).map(|_| self.answer.clone()));
        self.receiver.otherwise(self.answer.clone().held());
    }

    /// Waits for so many requests.
    pub(super) async fn asked(&self, count: usize) {
        let requests = self.receiver.next_many(count).await;
        self.count(&requests);
    }

    pub(super) fn release(&self) {
        self.receiver.otherwise(self.answer.clone());
        self.receiver.release(1);
    }

    /// How many different effects there were.
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
