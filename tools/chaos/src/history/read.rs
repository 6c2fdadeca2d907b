//! Reads messages, events, dead letters and schedules of a round from the database.

use std::collections::{BTreeMap, HashMap};

use anyhow::Result;
use sigpost_qstash::MessageId;
use tokio_postgres::{Client, Row};
use url::Url;

use super::{Event, Message, Schedule, Wanted};
use crate::load::period_of;

/// Rows of a round.
pub(crate) struct Rows {
    pub(crate) messages: BTreeMap<String, Message>,
    pub(crate) dead_letters: Vec<String>,
    pub(crate) schedules: Vec<Schedule>,
    pub(crate) leftovers: Vec<(&'static str, i64)>,
}

const MESSAGES: &str =
    "select id::text, url, state::text, deliveries, retried, retries, extract(epoch from created_at)::float8,
    extract(epoch from finished_at)::float8, coalesce(gates, '{}'), callback_of::text, schedule_id,
    callback is not null, failure_callback is not null from message_states";
const EVENTS: &str = "select message_id::text, extract(epoch from at)::float8, state::text, response_status
    from events order by at, step, message_id";
const SCHEDULES: &str =
    "select id, catch_up, extract(epoch from created_at)::float8, extract(epoch from last_fire_at)::float8, error
    from schedules order by id";
/// Each firing has a deduplication key: `schedule:ID:MILLISECONDS`.
const FIRINGS: &str = "select split_part(key, ':', 2), split_part(key, ':', 3)::float8 / 1000, message_id::text
    from deduplications where key like 'schedule:%' order by 2";
const LEFTOVERS: [(&str, &str); 3] = [
    ("slots", "select count(*) from slots"),
    ("active messages", "select count(*) from pending_deliveries where lease_token is not null"),
    ("blocked messages", "select count(*) from pending_deliveries where blocked_by is not null"),
];

pub(crate) async fn read(client: &Client) -> Result<Rows> {
    let mut events: HashMap<String, Vec<Event>> = HashMap::new();
    for row in client.query(EVENTS, &[]).await? {
        let event = Event { at: row.get(1), state: row.get(2), status: row.get(3) };
        events.entry(row.get(0)).or_default().push(event);
    }
    let mut messages = BTreeMap::new();
    for row in client.query(MESSAGES, &[]).await? {
        let id: String = row.get(0);
        let events = events.remove(&id).unwrap_or_default();
        messages.insert(wire_id(&id)?, message(&row, events)?);
    }
    let letters = client.query("select message_id::text from dead_letters", &[]).await?;
    let dead_letters = letters.iter().map(|row| wire_id(row.get(0))).collect::<Result<_>>()?;
    let mut leftovers = Vec::new();
    for (name, query) in LEFTOVERS {
        leftovers.push((name, client.query_one(query, &[]).await?.get(0)));
    }
    Ok(Rows { messages, dead_letters, schedules: schedules(client).await?, leftovers })
}

fn message(row: &Row, events: Vec<Event>) -> Result<Message> {
    let url: String = row.get(1);
    let parsed = Url::parse(&url)?;
    let kind = parsed.path_segments().and_then(|mut segments| segments.next()).unwrap_or_default().to_owned();
    let wanted = match parsed.query_pairs().find(|(name, _)| name == "wanted").as_ref().map(|(_, value)| value.as_ref())
    {
        Some("delivered") => Wanted::Delivered,
        Some("failed") => Wanted::Failed,
        _ => Wanted::Any,
    };
    let callback_of: Option<String> = row.get(9);
    Ok(Message {
        kind,
        url,
        wanted,
        state: row.get(2),
        deliveries: row.get(3),
        retried: row.get(4),
        retries: row.get(5),
        created: row.get(6),
        finished: row.get(7),
        limits: row.get(8),
        callback_of: callback_of.as_deref().map(wire_id).transpose()?,
        schedule: row.get(10),
        has_callback: row.get(11),
        has_failure_callback: row.get(12),
        events,
    })
}

async fn schedules(client: &Client) -> Result<Vec<Schedule>> {
    let mut firings: HashMap<String, Vec<(f64, String)>> = HashMap::new();
    for row in client.query(FIRINGS, &[]).await? {
        firings.entry(row.get(0)).or_default().push((row.get(1), wire_id(row.get(2))?));
    }
    let schedules = client.query(SCHEDULES, &[]).await?.into_iter().map(|row| {
        let id: String = row.get(0);
        Schedule {
            period: period_of(&id),
            firings: firings.remove(&id).unwrap_or_default(),
            id,
            catch_up: row.get(1),
            created: row.get(2),
            last_firing: row.get(3),
            error: row.get(4),
        }
    });
    Ok(schedules.collect())
}

/// Formats an ID as in the API and in headers.
fn wire_id(uuid: &str) -> Result<String> {
    Ok(MessageId(uuid.parse()?).to_string())
}
