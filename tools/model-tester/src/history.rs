//! History of messages and limits, from the database.

use std::collections::HashMap;

use anyhow::Result;
use sigpost_qstash::MessageId;
use tokio_postgres::Client;
use uuid::Uuid;

/// A message of a scenario. Times in seconds since 1970, by the database's clock.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) id: String,
    /// Its ID in the API and in headers.
    pub(crate) wire_id: String,
    /// The last part of its URL, without the script.
    pub(crate) name: String,
    pub(crate) created: f64,
    pub(crate) not_before: f64,
    pub(crate) finished: Option<f64>,
    pub(crate) priority: i32,
    /// Its queue, then its keys, as in `gates`.
    pub(crate) limits: Vec<String>,
    /// The message it reports on.
    pub(crate) callback_of: Option<String>,
    /// State, blocking limit and seconds until it is due, at the end of the scenario.
    pub(crate) last: String,
    pub(crate) attempts: Vec<Attempt>,
    /// When each retry was due, with the end of the attempt before it.
    pub(crate) retries: Vec<(f64, f64)>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    pub(crate) start: f64,
    /// `None` if its lease expired.
    pub(crate) end: Option<f64>,
}

impl Message {
    pub(crate) fn queue(&self) -> Option<&String> {
        self.limits.first().filter(|limit| limit.starts_with("queue:"))
    }

    pub(crate) fn is_open_at(&self, time: f64) -> bool {
        self.created <= time && self.finished.is_none_or(|finished| time < finished)
    }
}

/// Version of a limit's settings. A reset of the counted starts is a version too.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub(crate) at: f64,
    pub(crate) parallelism: Option<i32>,
    /// Maximum starts, and the period in seconds.
    pub(crate) rate: Option<(i32, i32)>,
    pub(crate) paused: bool,
    pub(crate) deleted: bool,
}

/// Starts that a rate has counted in a period, at one time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Count {
    pub(crate) at: f64,
    /// When the period began.
    pub(crate) began: f64,
    pub(crate) starts: i32,
}

/// Acquisition of a queue slot.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) at: f64,
    pub(crate) queue: String,
    pub(crate) message: String,
    pub(crate) family: String,
}

#[derive(Debug, Default)]
pub(crate) struct History {
    pub(crate) messages: Vec<Message>,
    pub(crate) versions: HashMap<String, Vec<Version>>,
    pub(crate) counts: HashMap<String, Vec<Count>>,
    pub(crate) slots: Vec<Slot>,
}

/// Reads the history in one snapshot.
pub(crate) async fn read(database: &Client) -> Result<History> {
    database.batch_execute("begin isolation level repeatable read").await?;
    let history = read_all(database).await;
    database.batch_execute("commit").await?;
    history
}

async fn read_all(database: &Client) -> Result<History> {
    let mut history = History::default();
    let rows = database
        .query(
            "select id::text, url, extract(epoch from created_at)::float8, extract(epoch from not_before)::float8,
                    extract(epoch from finished_at)::float8, priority, gates, callback_of::text,
                    concat_ws(' ', state, blocked_by, extract(epoch from due_at - now())::numeric(9, 3))
             from message_states order by created_at, id",
            &[],
        )
        .await?;
    for row in rows {
        let url: String = row.get(1);
        let name = url.rsplit('/').next().unwrap_or_default().split('?').next().unwrap_or_default();
        let id: String = row.get(0);
        history.messages.push(Message {
            wire_id: MessageId(id.parse::<Uuid>()?).to_string(),
            id,
            name: name.to_owned(),
            created: row.get(2),
            not_before: row.get(3),
            finished: row.get(4),
            priority: row.get(5),
            limits: row.get::<_, Option<Vec<String>>>(6).unwrap_or_default(),
            callback_of: row.get(7),
            last: row.get(8),
            attempts: Vec::new(),
            retries: Vec::new(),
        });
    }
    let positions: HashMap<String, usize> =
        history.messages.iter().enumerate().map(|(position, message)| (message.id.clone(), position)).collect();
    let rows = database
        .query(
            "select message_id::text, state::text, extract(epoch from at)::float8,
                    extract(epoch from next_delivery_at)::float8
             from events order by at, step, message_id",
            &[],
        )
        .await?;
    for row in rows {
        let Some(position) = positions.get(row.get::<_, &str>(0)) else { continue };
        let message = &mut history.messages[*position];
        let at: f64 = row.get(2);
        match row.get::<_, &str>(1) {
            "ACTIVE" => message.attempts.push(Attempt { start: at, end: None }),
            "DELIVERED" | "ERROR" | "CANCEL_REQUESTED" => {
                if let Some(attempt) = message.attempts.last_mut().filter(|attempt| attempt.end.is_none()) {
                    attempt.end = Some(at);
                }
            }
            "RETRY" => message.retries.extend(row.get::<_, Option<f64>>(3).map(|due| (at, due))),
            _ => {}
        }
    }
    let rows = database
        .query(
            "select id, extract(epoch from at)::float8, parallelism, rate, period_s, paused, deleted
             from model_limits order by at",
            &[],
        )
        .await?;
    for row in rows {
        history.versions.entry(row.get(0)).or_default().push(Version {
            at: row.get(1),
            parallelism: row.get(2),
            rate: row.get::<_, Option<i32>>(3).map(|rate| (rate, row.get(4))),
            paused: row.get(5),
            deleted: row.get(6),
        });
    }
    let rows = database
        .query(
            "select id, extract(epoch from at)::float8, coalesce(extract(epoch from period_start), 0)::float8, period_count
             from model_counts order by at",
            &[],
        )
        .await?;
    for row in rows {
        let count = Count { at: row.get(1), began: row.get(2), starts: row.get(3) };
        history.counts.entry(row.get(0)).or_default().push(count);
    }
    let rows = database
        .query("select extract(epoch from at)::float8, gate, message_id::text, family::text from model_slots", &[])
        .await?;
    history.slots = rows
        .iter()
        .map(|row| Slot { at: row.get(0), queue: row.get(1), message: row.get(2), family: row.get(3) })
        .collect();
    Ok(history)
}
