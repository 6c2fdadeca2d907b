//! Leases, outcomes, cancellation, retry now and retention in random orders, compared with a model after each step.
//!
//! Each step is one call of the store, as a dispatcher or a publisher makes it. Outcomes may use leases that were
//! lost long ago, so the orders include every interleaving of processes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use sigpost_qstash::{Headers, MessageId, Method, Start};
use sigpost_store::accept::{Arrival, LeaseTerms, NewMessage, accept_new};
use sigpost_store::cancel::{Cancelled, cancel};
use sigpost_store::claim::{Bound, claim};
use sigpost_store::leases::renew;
use sigpost_store::make_due::{MadeDue, make_due};
use sigpost_store::messages::{Extras, Message};
use sigpost_store::record::{Next, Outcome, record};
use sigpost_store::retention::{Ages, delete_older_than};
use sigpost_store::{AsyncPgConnection, Database};
use uuid::{Builder, Uuid};

use crate::support::TestDatabase;

const ORDERS: usize = 12;
const STEPS: usize = 60;
const LEASE: Duration = Duration::from_secs(600);
const DAY: Duration = Duration::from_secs(86_400);

#[derive(Clone, Debug)]
enum Step {
    /// Messages are accepted, leased or not, with IDs of today or of a day that retention deletes.
    Accept {
        count: usize,
        leased: bool,
        old: bool,
    },
    Claim {
        most: usize,
    },
    /// The lease of a message expires.
    Expire(Index),
    /// An outcome is recorded under any lease, current or lost.
    Record(Index, Next),
    Renew(Index),
    Cancel(Index),
    MakeDue(Index),
    /// The end of a message becomes older than the retention.
    Age(Index),
    Purge,
}

fn step() -> impl Strategy<Value = Step> {
    let next = prop_oneof![
        4 => Just(Next::Delivered),
        2 => Just(Next::Retry(Duration::ZERO)),
        1 => Just(Next::Retry(Duration::from_secs(3600))),
        2 => Just(Next::Failed),
        1 => Just(Next::GivenBack(Duration::ZERO)),
    ];
    prop_oneof![
        3 => (1..5_usize, any::<bool>(), any::<bool>())
            .prop_map(|(count, leased, old)| Step::Accept { count, leased, old }),
        3 => (1..6_usize).prop_map(|most| Step::Claim { most }),
        2 => any::<Index>().prop_map(Step::Expire),
        6 => (any::<Index>(), next).prop_map(|(index, next)| Step::Record(index, next)),
        1 => any::<Index>().prop_map(Step::Renew),
        1 => any::<Index>().prop_map(Step::Cancel),
        1 => any::<Index>().prop_map(Step::MakeDue),
        2 => any::<Index>().prop_map(Step::Age),
        1 => Just(Step::Purge),
    ]
}

/// A message in the model.
#[derive(Clone, Debug)]
struct Known {
    state: &'static str,
    /// Its position among the due messages; `None` while it is scheduled.
    due: Option<u64>,
    token: Option<Uuid>,
    is_expired: bool,
    retried: i32,
    /// Outcomes of its attempts with their numbers.
    attempts: BTreeMap<&'static str, i64>,
    is_aged: bool,
}

impl Known {
    fn add(&mut self, outcome: &'static str) {
        *self.attempts.entry(outcome).or_default() += 1;
    }

    fn end(&mut self, state: &'static str) {
        *self = Self { state, due: None, token: None, ..self.clone() };
        self.add(state);
    }
}

struct Model {
    database: TestDatabase,
    store: Database,
    messages: BTreeMap<Uuid, Known>,
    leases: Vec<(MessageId, Uuid)>,
    clock: u64,
}

impl Model {
    async fn start() -> Self {
        let database = TestDatabase::new().await;
        database.execute("select seeds.create_day(3)").await;
        let store = Database::new(&database.url, 2).expect("a URL");
        Self { database, store, messages: BTreeMap::new(), leases: Vec::new(), clock: 0 }
    }

    fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    fn message(&self, index: &Index) -> Option<Uuid> {
        (!self.messages.is_empty()).then(|| *index.get(&self.messages.keys().collect::<Vec<_>>()).to_owned())
    }

    async fn take(&mut self, step: &Step) {
        let store = self.store.clone();
        let mut conn = store.connection().await.expect("a connection");
        match step {
            Step::Accept { count, leased, old } => self.accept(&mut conn, *count, *leased, *old).await,
            Step::Claim { most } => self.claim(&mut conn, *most).await,
            Step::Record(index, next) if !self.leases.is_empty() => {
                let (id, token) = *index.get(&self.leases);
                self.record(&mut conn, id, token, *next).await;
            }
            Step::Renew(index) if !self.leases.is_empty() => {
                let lease = *index.get(&self.leases);
                let renewed = renew(&mut conn, &[lease], LEASE).await.expect("renewed");
                let known = self.messages.get_mut(&lease.0.0).filter(|known| known.token == Some(lease.1));
                assert_eq!(renewed.len(), usize::from(known.is_some()));
                known.into_iter().for_each(|known| known.is_expired = false);
            }
            Step::Purge => {
                delete_older_than(&self.store, Ages::of(DAY), |_| {}).await.expect("purged");
                self.messages.retain(|_, known| !known.is_aged);
            }
            Step::Expire(index) | Step::Cancel(index) | Step::MakeDue(index) | Step::Age(index) => {
                let Some(id) = self.message(index) else { return };
                self.change(&mut conn, id, step).await;
            }
            Step::Record(..) | Step::Renew(_) => {}
        }
    }

    async fn accept(&mut self, conn: &mut AsyncPgConnection, count: usize, leased: bool, old: bool) {
        let terms = LeaseTerms { token: Uuid::now_v7(), length: LEASE };
        let batch: Vec<Arrival> =
            (0..count).map(|_| Arrival { new: message(if old { old_id() } else { Uuid::now_v7() }), leased }).collect();
        let _ = accept_new(conn, &batch, terms, false).await.expect("accepted").wake_ups;
        let due = Some(self.tick());
        for arrival in &batch {
            let token = leased.then_some(terms.token);
            let id = arrival.new.message.id;
            self.leases.extend(token.map(|token| (id, token)));
            let state = if leased { "active" } else { "pending" };
            let attempts = BTreeMap::new();
            let known = Known { state, due, token, is_expired: false, retried: 0, attempts, is_aged: false };
            self.messages.insert(id.0, known);
        }
    }

    async fn claim(&mut self, conn: &mut AsyncPgConnection, most: usize) {
        let terms = LeaseTerms { token: Uuid::now_v7(), length: LEASE };
        let bound = Bound { messages: most, small: 1024, bytes: 1024 };
        let claimed = claim(conn, terms, bound, true, &[]).await.expect("claimed");
        let mut due: Vec<(u64, Uuid)> = self
            .messages
            .iter()
            .filter(|(_, known)| known.token.is_none() || known.is_expired)
            .filter_map(|(id, known)| Some((known.due?, *id)))
            .collect();
        due.sort_unstable();
        let oldest: BTreeSet<Uuid> = due.into_iter().take(most).map(|(_, id)| id).collect();
        let ids: BTreeSet<Uuid> = claimed.leases.iter().map(|lease| lease.message.id.0).collect();
        assert_eq!(ids, oldest);
        for id in ids {
            let known = self.messages.get_mut(&id).expect("known");
            if known.is_expired {
                known.add("lease_expired");
            }
            (known.state, known.token, known.is_expired) = ("active", Some(terms.token), false);
            self.leases.push((MessageId(id), terms.token));
        }
    }

    async fn record(&mut self, conn: &mut AsyncPgConnection, id: MessageId, token: Uuid, next: Next) {
        let outcome = Outcome { id, token, next, response: None, error: None, has_slots: false };
        let recorded = record(conn, &[&outcome]).await.expect("recorded");
        let due = self.tick();
        let known = self.messages.get_mut(&id.0).filter(|known| known.token == Some(token));
        assert_eq!(recorded.messages.contains_key(&id), known.is_some());
        let Some(known) = known else { return };
        match next {
            Next::Delivered => known.end("delivered"),
            Next::Failed => known.end("failed"),
            Next::Retry(delay) => {
                known.add("retried");
                known.retried += 1;
                known.due = delay.is_zero().then_some(due);
            }
            Next::GivenBack(_) => {
                known.add("given_back");
                known.due = Some(due);
            }
        }
        if known.token.take().is_some() {
            (known.state, known.is_expired) = ("pending", false);
        }
    }

    async fn change(&mut self, conn: &mut AsyncPgConnection, id: Uuid, step: &Step) {
        let due = self.tick();
        let known = self.messages.get_mut(&id).expect("known");
        let has_ended = !matches!(known.state, "pending" | "active");
        match step {
            Step::Expire(_) if known.token.is_some() => {
                let sql =
                    format!("update pending_deliveries set lease_until = now() - interval '1 s' where id = '{id}'");
                self.database.execute(&sql).await;
                known.is_expired = true;
            }
            Step::Cancel(_) => {
                let (cancelled, _) = cancel(conn, MessageId(id)).await.expect("an outcome");
                match has_ended {
                    true => assert_eq!(cancelled, Cancelled::AlreadyEnded(known.state.to_owned())),
                    false => assert_eq!(cancelled, Cancelled::Yes),
                }
                if !has_ended {
                    known.end("cancelled");
                }
            }
            Step::MakeDue(_) => {
                let (made_due, _) = make_due(conn, MessageId(id)).await.expect("an outcome");
                assert_eq!(made_due == MadeDue::Yes, known.state == "pending");
                if made_due == MadeDue::Yes {
                    known.due.get_or_insert(due);
                }
            }
            // Messages of today stay in their partition.
            Step::Age(_) if has_ended && is_old(id) => {
                let sql = format!("update attempts set ended_at = now() - interval '2 days' where message_id = '{id}'");
                self.database.execute(&sql).await;
                known.is_aged = true;
            }
            _ => {}
        }
    }

    async fn check(&self) {
        let sql = "select m.id::text, m.state::text, m.retried, m.lease_token::text,
                          array(select a.outcome::text || ' ' || count(*) from attempts a where a.message_id = m.id
                                group by a.outcome order by 1)
                   from message_states m order by m.id";
        type Row = (String, String, i32, Option<String>, Vec<String>);
        let stored: Vec<Row> = self
            .database
            .query(sql, &[])
            .await
            .iter()
            .map(|row| (row.get(0), row.get(1), row.get(2), row.get(3), row.get(4)))
            .collect();
        let known: Vec<Row> = self
            .messages
            .iter()
            .map(|(id, known)| {
                let mut attempts: Vec<String> =
                    known.attempts.iter().map(|(outcome, count)| format!("{outcome} {count}")).collect();
                attempts.sort_unstable();
                (
                    id.to_string(),
                    known.state.to_owned(),
                    known.retried,
                    known.token.map(|token| token.to_string()),
                    attempts,
                )
            })
            .collect();
        assert_eq!(stored, known);
        let failed = self.messages.values().filter(|known| known.state == "failed").count();
        assert_eq!(usize::try_from(self.database.count("select count(*) from dead_letters").await), Ok(failed));
    }
}

fn message(id: Uuid) -> NewMessage {
    let message = Message {
        id: MessageId(id),
        url: "https://example.com/".to_owned(),
        method: Method::Post,
        header: Headers::default(),
        body: Bytes::from_static(b"{}"),
        retries: 3,
        timeout: None,
        retry_delay: None,
        callback: None,
        failure_callback: None,
        labels: Vec::new(),
        caller_ip: None,
        callback_of: None,
        extras: Extras::default(),
    };
    NewMessage { message, start: Start::Now, deduplicate: None }
}

/// Returns the first millisecond of the day three days ago, in UTC.
fn old_day_ms() -> u64 {
    let now = u64::try_from(jiff::Timestamp::now().as_millisecond()).expect("after 1970");
    let day = u64::try_from(DAY.as_millis()).expect("small");
    (now / day - 3) * day
}

fn old_id() -> Uuid {
    let random = Uuid::now_v7();
    let bytes: [u8; 10] = random.as_bytes()[6..].try_into().expect("ten bytes");
    Builder::from_unix_timestamp_millis(old_day_ms() + 1_000, &bytes).into_uuid()
}

fn is_old(id: Uuid) -> bool {
    let milliseconds = id.as_u128() >> 80;
    milliseconds < u128::from(old_day_ms()) + DAY.as_millis()
}

#[tokio::test]
async fn any_order_of_steps_matches_the_model() {
    let mut runner = TestRunner::deterministic();
    for _ in 0..ORDERS {
        let steps = prop::collection::vec(step(), STEPS).new_tree(&mut runner).expect("steps").current();
        let mut model = Model::start().await;
        for (number, step) in steps.iter().enumerate() {
            eprintln!("{number}: {step:?}");
            model.take(step).await;
            model.check().await;
        }
    }
}
