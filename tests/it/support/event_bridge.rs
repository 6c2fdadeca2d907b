//! A local stand-in for EventBridge Scheduler. It rejects requests that AWS documents as invalid, and fires by a
//! clock that tests advance.
//!
//! The protocol is REST-JSON as in the API reference. Unsupported paths return 404.

mod api;
mod rules;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_scheduler::Client;
use aws_sdk_scheduler::config::{Credentials, SharedCredentialsProvider};
use dispatch::config::EventBridge as Settings;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tests::aws_cron::AwsCron;
use tokio::sync::Notify;

use super::receiver::PATIENCE;
use super::serve;
use rules::Body;

const REGION: &str = "eu-central-1";
pub(crate) const GROUP: &str = "sigpost-test";
const TARGET: &str = "arn:aws:lambda:eu-central-1:123456789012:function:dispatch";
const ROLE: &str = "arn:aws:iam::123456789012:role/scheduler";
const DEAD_LETTERS: &str = "arn:aws:sqs:eu-central-1:123456789012:dead-letters";

/// The service. It stops with the test.
pub(crate) struct EventBridge {
    url: String,
    state: Shared,
}

type Shared = Arc<Mutex<State>>;

struct State {
    now: Timestamp,
    groups: BTreeMap<String, BTreeMap<String, Body>>,
    /// The created schedule by client token.
    creations: HashMap<String, (String, Body)>,
    faults: VecDeque<Fault>,
    is_down: bool,
    changes: Vec<String>,
    changed: Arc<Notify>,
}

/// The fault of one change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Rejected with an error that the SDK does not retry.
    Rejected,
    /// Applied. The response is an error that the SDK retries.
    Unanswered,
    /// Not applied, and no response.
    Swallowed,
    /// Applied, and no response.
    Silent,
}

/// An invocation of the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invocation {
    pub(crate) at: Timestamp,
    pub(crate) target: String,
    /// The input with the time in place of AWS's attribute.
    pub(crate) input: String,
}

impl EventBridge {
    /// Starts the service with one schedule group, at this time.
    pub(crate) async fn start(now: &str) -> Self {
        let state = Arc::new(Mutex::new(State {
            now: now.parse().expect("a time"),
            groups: BTreeMap::from([("default".to_owned(), BTreeMap::new())]),
            creations: HashMap::new(),
            faults: VecDeque::new(),
            is_down: false,
            changes: Vec::new(),
            changed: Arc::default(),
        }));
        let url = serve(api::router(Arc::clone(&state))).await;
        let started = Self { url, state };
        started.client().create_schedule_group().name(GROUP).send().await.expect("created");
        started.state().changes.clear();
        started
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("lock")
    }

    /// Returns settings of an application that uses this service.
    pub(crate) fn settings(&self) -> Settings {
        settings(&self.url)
    }

    /// Returns the environment variables of a process that uses this service.
    pub(crate) fn environment(&self) -> [(&'static str, String); 8] {
        let settings = self.settings();
        [
            ("SCHEDULE_GROUP", settings.group),
            ("SCHEDULE_TARGET_ARN", settings.target_arn),
            ("SCHEDULE_ROLE_ARN", settings.role_arn),
            ("SCHEDULE_DEAD_LETTER_ARN", DEAD_LETTERS.to_owned()),
            ("AWS_ENDPOINT_URL", self.url.clone()),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_ACCESS_KEY_ID", "key".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "secret".to_owned()),
        ]
    }

    /// Returns an official client of the service.
    pub(crate) fn client(&self) -> Client {
        Client::new(&sdk(&self.url))
    }

    /// Advances the clock. Returns the invocations in order.
    pub(crate) fn advance_to(&self, time: &str) -> Vec<Invocation> {
        let mut state = self.state();
        let until: Timestamp = time.parse().expect("a time");
        let from = std::mem::replace(&mut state.now, until);
        let mut invocations: Vec<Invocation> =
            state.groups.values().flat_map(BTreeMap::values).flat_map(|schedule| due(schedule, from, until)).collect();
        invocations.sort_by_key(|invocation| invocation.at);
        invocations
    }

    /// Sets the faults of the next changes.
    pub(crate) fn set_faults(&self, faults: &[Fault]) {
        self.state().faults.extend(faults);
    }

    /// Sets whether every call is rejected.
    pub(crate) fn set_down(&self, is_down: bool) {
        self.state().is_down = is_down;
    }

    /// Waits until there are change requests since the last call, and returns them.
    pub(crate) async fn wait_for_changes(&self) -> Vec<String> {
        let changed = Arc::clone(&self.state().changed);
        let wait = async {
            loop {
                let changes = self.changes();
                if !changes.is_empty() {
                    return changes;
                }
                changed.notified().await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.expect("a change")
    }

    /// Returns the change requests since the last call, as `POST` and the first part of the name.
    pub(crate) fn changes(&self) -> Vec<String> {
        std::mem::take(&mut self.state().changes)
    }
}

/// Returns the invocations of a schedule after one time up to another.
fn due(schedule: &Body, after: Timestamp, until: Timestamp) -> Vec<Invocation> {
    if schedule.state == "DISABLED" {
        return Vec::new();
    }
    let cron = AwsCron::parse(&schedule.schedule_expression).expect("checked");
    let zone = TimeZone::get(&schedule.schedule_expression_timezone).expect("checked");
    let times = std::iter::successors(cron.next_after(after, &zone), |at| cron.next_after(*at, &zone));
    let invocation = |at: Timestamp| Invocation {
        at,
        target: schedule.target.arn.clone(),
        input: schedule.target.input.replace("<aws.scheduler.scheduled-time>", &at.to_string()),
    };
    times.take_while(|at| *at <= until).map(invocation).collect()
}

/// Returns settings of an application that uses the AWS stand-in at this URL.
pub(crate) fn settings(url: &str) -> Settings {
    Settings {
        group: GROUP.to_owned(),
        target_arn: TARGET.to_owned(),
        role_arn: ROLE.to_owned(),
        dead_letter_arn: Some(DEAD_LETTERS.to_owned()),
        sdk: Some(sdk(url)),
    }
}

/// Returns the SDK's configuration, independent of the environment variables of the tests.
pub(crate) fn sdk(url: &str) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new("key", "secret", None, None, "test")))
        .endpoint_url(url)
        .build()
}
