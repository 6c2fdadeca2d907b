//! Records outcomes whose batch failed: each in a separate commit, with retries.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use sigpost_qstash::Headers;
use sigpost_store::Error;
use sigpost_store::record::{Outcome, Response};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::{Ended, Entry, announce, commit};
use crate::dispatcher::Dispatcher;

/// The pause between two commits of the same outcome, doubled up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How long the lease of an outcome is renewed. Afterwards another dispatcher can claim the message.
const RENEWED_FOR: Duration = Duration::from_mins(15);

/// An outcome that is not recorded yet.
struct Unrecorded {
    ended: Ended,
    since: Instant,
    retry_at: Instant,
    pause: Duration,
}

/// The result of a commit.
enum Tried {
    /// Recorded, or the lease is lost.
    Recorded,
    /// Will be retried.
    Later,
    /// Postgres rejects the outcome even without texts.
    Rejected,
}

/// Records each outcome in a separate commit, and retries until it is recorded or its lease is lost.
pub(super) async fn record_alone(dispatcher: Dispatcher, mut incoming: mpsc::UnboundedReceiver<Ended>) {
    let mut unrecorded: VecDeque<Unrecorded> = VecDeque::new();
    loop {
        let next = unrecorded.iter().map(|one| one.retry_at).min();
        tokio::select! {
            ended = incoming.recv() => {
                let Some(ended) = ended else { return };
                let now = Instant::now();
                unrecorded.push_back(Unrecorded { ended, since: now, retry_at: now, pause: FIRST_PAUSE });
            }
            () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {}
        }
        for mut one in std::mem::take(&mut unrecorded) {
            if one.retry_at > Instant::now() {
                unrecorded.push_back(one);
                continue;
            }
            match try_alone(&dispatcher, &one.ended).await {
                Tried::Recorded => {}
                Tried::Rejected => {
                    tracing::error!(message.id = %one.ended.outcome.id, "Postgres rejects the outcome; the lease expires");
                }
                Tried::Later => {
                    if one.since.elapsed() > RENEWED_FOR {
                        one.ended.holding.renew_no_more();
                    }
                    one.retry_at = Instant::now() + one.pause;
                    one.pause = (one.pause * 2).min(LONGEST_PAUSE);
                    unrecorded.push_back(one);
                }
            }
        }
    }
}

/// Records one outcome. If Postgres rejects a text of the response, the outcome is stored without texts, and reported with
/// them if the report can be stored.
async fn try_alone(dispatcher: &Dispatcher, ended: &Ended) -> Tried {
    let (outcome, bare) = (&ended.outcome, bare(&ended.outcome));
    for (stored, reported) in [(outcome, outcome), (&bare, outcome), (&bare, &bare)] {
        let entries = [Entry { lease: &ended.lease, stored, reported }];
        match commit(dispatcher, &entries).await {
            Ok(recorded) => {
                announce(dispatcher, &entries, recorded);
                return Tried::Recorded;
            }
            Err(error @ Error::Rejected(_)) => {
                tracing::error!(message.id = %outcome.id, %error, "Postgres rejected the outcome");
            }
            Err(error) => {
                tracing::warn!(message.id = %outcome.id, %error, "recording an outcome failed, will be retried");
                return Tried::Later;
            }
        }
    }
    Tried::Rejected
}

/// Returns the outcome with the status of its response, without texts.
fn bare(outcome: &Outcome) -> Outcome {
    let response = outcome.response.as_ref().map(|response| Response {
        status: response.status,
        header: Headers::default(),
        body: Bytes::new(),
    });
    Outcome { response, error: None, ..outcome.clone() }
}
