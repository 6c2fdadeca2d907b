//! Outcomes that could not be recorded with others: each in a commit of its own, again and again.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use sigpost_qstash::Headers;
use sigpost_store::Error;
use sigpost_store::record::{Outcome, Response};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::{Ended, Entry, announce, commit};
use crate::engine::Engine;

/// Between two commits of the same outcome; doubled up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// The lease of an outcome is renewed for so long. Then another dispatcher may have it, which perhaps can record it.
const RENEWED_FOR: Duration = Duration::from_mins(15);

/// An outcome that could not be recorded so far.
struct Unrecorded {
    ended: Ended,
    since: Instant,
    retry_at: Instant,
    pause: Duration,
}

/// What a commit came to.
enum Tried {
    /// Recorded, or its lease is lost.
    Recorded,
    /// To be tried again.
    Later,
    /// Postgres rejects even the bare outcome.
    Rejected,
}

/// Records each outcome in a commit of its own, those that fail again and again until their lease is lost.
pub(super) async fn record_alone(engine: Engine, mut incoming: mpsc::UnboundedReceiver<Ended>) {
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
            match try_alone(&engine, &one.ended).await {
                Tried::Recorded => {}
                Tried::Rejected => {
                    tracing::error!(message.id = %one.ended.outcome.id, "the outcome is rejected, its lease expires");
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

/// What Postgres rejects of an outcome is a text of the response. The outcome is recorded without it, and reported
/// with it if that can be stored.
async fn try_alone(engine: &Engine, ended: &Ended) -> Tried {
    let (outcome, bare) = (&ended.outcome, bare(&ended.outcome));
    for (stored, reported) in [(outcome, outcome), (&bare, outcome), (&bare, &bare)] {
        let entries = [Entry { lease: &ended.lease, stored, reported }];
        match commit(engine, &entries).await {
            Ok(recorded) => {
                announce(engine, &entries, recorded);
                return Tried::Recorded;
            }
            Err(error @ Error::Refused(_)) => {
                tracing::error!(message.id = %outcome.id, %error, "the outcome was rejected");
            }
            Err(error) => {
                tracing::warn!(message.id = %outcome.id, %error, "an outcome cannot be recorded yet");
                return Tried::Later;
            }
        }
    }
    Tried::Rejected
}

/// The outcome with the status of its response, and without its texts.
fn bare(outcome: &Outcome) -> Outcome {
    let response = outcome.response.as_ref().map(|response| Response {
        status: response.status,
        header: Headers::default(),
        body: Bytes::new(),
    });
    Outcome { response, error: None, ..outcome.clone() }
}
