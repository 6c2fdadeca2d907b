//! One scenario: random operations on its own limits, followed by a drain.

use std::time::Duration;

use anyhow::Result;
use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use reqwest::Method;
use serde_json::{Value, json};

use crate::clock::now;
use crate::deployment::Deployment;

/// Events of a scenario that are not in the database. Times in seconds since 1970.
#[derive(Debug, Default)]
pub(crate) struct Happened {
    pub(crate) began: f64,
    pub(crate) ended: f64,
    /// Messages that a retry request made due, with the times of the request and its response.
    pub(crate) made_due: Vec<(String, f64, f64)>,
    /// Times in which a late start is not a finding: leases of a killed process expire, or no process runs.
    pub(crate) outages: Vec<(f64, f64)>,
    pub(crate) operations: Vec<String>,
}

struct Scenario<'a> {
    deployment: &'a mut Deployment,
    random: StdRng,
    name: String,
    queues: Vec<String>,
    /// Flow-control keys, each with its current value in publishes.
    keys: Vec<(String, String)>,
    rates: bool,
    messages: usize,
    ids: Vec<String>,
    happened: Happened,
}

/// Runs a scenario with unique names. The same seed makes the same choices.
pub(crate) async fn run(deployment: &mut Deployment, name: &str, seed: u64, faults: bool) -> Result<Happened> {
    let mut random = StdRng::seed_from_u64(seed);
    let queues: Vec<String> = (0..random.random_range(0..=2)).map(|number| format!("q{name}-{number}")).collect();
    let keys = random.random_range(usize::from(queues.is_empty())..=3);
    let rates = random.random_bool(0.5);
    let keys = (0..keys).map(|number| (format!("k{name}-{number}"), value(&mut random, rates))).collect();
    let happened = Happened { began: now(), ..Happened::default() };
    let mut scenario = Scenario {
        deployment,
        random,
        name: name.to_owned(),
        queues,
        keys,
        rates,
        messages: 0,
        ids: Vec::new(),
        happened,
    };
    let until = now() + scenario.random.random_range(2.0..5.0);
    let mut fault_at = faults.then(|| now() + scenario.random.random_range(0.3..2.5));
    while now() < until {
        if fault_at.is_some_and(|at| at <= now()) {
            fault_at = None;
            scenario.end_a_process().await?;
        }
        scenario.operate().await;
        let pause = *[0, 0, 20, 50, 100, 300, 300, 700].choose(&mut scenario.random).unwrap_or(&0);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
    scenario.drain().await?;
    scenario.happened.ended = now();
    Ok(scenario.happened)
}

/// Returns a random value of a flow-control key.
fn value(random: &mut StdRng, rates: bool) -> String {
    let parallelism = random.random_range(1..=3);
    if rates && random.random_bool(0.75) {
        let rate = format!("rate={}, period={}", random.random_range(1..=3), random.random_range(1..=2));
        return if random.random_bool(0.3) { format!("{rate}, parallelism={parallelism}") } else { rate };
    }
    format!("parallelism={parallelism}")
}

impl Scenario<'_> {
    fn note(&mut self, what: String) {
        let at = now() - self.happened.began;
        self.happened.operations.push(format!("{at:7.3} {what}"));
    }

    fn process(&mut self) -> usize {
        self.random.random_range(0..self.deployment.processes())
    }

    fn queue(&mut self) -> Option<String> {
        self.queues.choose(&mut self.random).cloned()
    }

    fn key(&mut self) -> Option<usize> {
        (!self.keys.is_empty()).then(|| self.random.random_range(0..self.keys.len()))
    }

    /// Returns a random script of responses to the attempts of a message.
    fn script(&mut self) -> String {
        match self.random.random_range(0..10) {
            0..=5 => format!("200.{}", [10, 50, 300, 800].choose(&mut self.random).unwrap_or(&10)),
            6 | 7 => format!("503.{},200.50", [10, 200].choose(&mut self.random).unwrap_or(&10)),
            8 => format!("429.10.{},200.100", self.random.random_range(0..=2)),
            _ => "500.50".to_owned(),
        }
    }

    fn key_headers(&mut self, keys: &[usize]) -> Vec<(String, String)> {
        let mut headers = Vec::new();
        for (position, key) in keys.iter().enumerate() {
            let (name, value) = &self.keys[*key];
            let (prefix, suffix) = match position {
                0 => ("Upstash-Flow-Control", String::new()),
                _ => ("Upstash-Sigpost-Flow-Control", format!("-{}", position + 1)),
            };
            headers.push((format!("{prefix}-Key{suffix}"), name.clone()));
            headers.push((format!("{prefix}-Value{suffix}"), value.clone()));
        }
        headers
    }

    /// Returns path and headers of a publish with random options.
    fn message(&mut self, keys: Option<Vec<usize>>) -> (String, Vec<(String, String)>) {
        self.messages += 1;
        let number = self.messages;
        let chosen = keys.unwrap_or_else(|| (0..self.keys.len()).filter(|_| self.random.random_bool(0.6)).collect());
        let queue = if self.random.random_bool(0.65) || chosen.is_empty() { self.queue() } else { None };
        let chosen = if chosen.is_empty() && queue.is_none() { self.key().into_iter().collect() } else { chosen };
        let mut headers = self.key_headers(&chosen);
        let mut set = |name: &str, value: String| headers.push((format!("Upstash-{name}"), value));
        let retries = *[0, 0, 1, 2].choose(&mut self.random).unwrap_or(&0);
        set("Retries", retries.to_string());
        if retries > 0 {
            set("Retry-Delay", [0, 300, 1000].choose(&mut self.random).unwrap_or(&0).to_string());
        }
        if self.random.random_bool(0.3) {
            set("Delay", format!("{}s", self.random.random_range(1..=2)));
        }
        if self.random.random_bool(0.2) {
            set("Sigpost-Priority", self.random.random_range(-3..=5).to_string());
        }
        if self.random.random_bool(0.05) {
            set("Deduplication-Id", format!("{}-{}", self.name, self.random.random_range(1..=2)));
        }
        if self.random.random_bool(0.15) {
            let script = format!("200.{}", [10, 300].choose(&mut self.random).unwrap_or(&10));
            set("Callback", self.deployment.sink.url(&format!("{}-c{number}", self.name), &script));
            if let Some(queue) = self.queues.choose(&mut self.random).filter(|_| number.is_multiple_of(2)) {
                set("Callback-Queue-Name", queue.clone());
            }
            if let Some((key, value)) = self.keys.choose(&mut self.random).filter(|_| number.is_multiple_of(3)) {
                set("Callback-Flow-Control-Key", key.clone());
                set("Callback-Flow-Control-Value", value.clone());
            }
            if number.is_multiple_of(5) {
                set("Callback-Delay", "1s".to_owned());
            }
        }
        let script = self.script();
        let url = self.deployment.sink.url(&format!("{}-m{number}", self.name), &script);
        let path = match queue {
            Some(queue) => format!("/v2/enqueue/{queue}/{url}"),
            None => format!("/v2/publish/{url}"),
        };
        (path, headers)
    }

    async fn publish(&mut self, count: usize, keys: Option<Vec<usize>>) {
        let requests: Vec<_> = (0..count).map(|_| (self.process(), self.message(keys.clone()))).collect();
        for (process, (path, headers)) in &requests {
            self.note(format!("{process} {path} {headers:?}"));
        }
        let deployment = &*self.deployment;
        let sent = requests
            .iter()
            .map(|(process, (path, headers))| deployment.api(*process, Method::POST, path, headers, "x"));
        let ids = join_all(sent).await.into_iter().flatten();
        self.ids.extend(ids.filter_map(|(_, body)| body["messageId"].as_str().map(str::to_owned)));
    }

    async fn call(&mut self, method: Method, path: &str, body: Value) -> Option<(u16, Value)> {
        let process = self.process();
        self.note(format!("{process} {method} {path} {body}"));
        let json = [("Content-Type".to_owned(), "application/json".to_owned())];
        let (headers, body) = if body.is_null() { (&json[..0], String::new()) } else { (&json[..], body.to_string()) };
        self.deployment.api(process, method, path, headers, &body).await
    }

    async fn operate(&mut self) {
        match self.random.random_range(0..100) {
            0..44 => {
                let count = *[1, 1, 2, 3, 5].choose(&mut self.random).unwrap_or(&1);
                self.publish(count, None).await;
            }
            44..49 => {
                let Some(queue) = self.queue() else { return };
                let parallelism = self.random.random_range(1..=3);
                self.call(Method::POST, "/v2/queues", json!({ "queueName": queue, "parallelism": parallelism })).await;
            }
            49..57 => {
                let Some(queue) = self.queue() else { return };
                let what = ["pause", "resume", "resume"].choose(&mut self.random).unwrap_or(&"resume");
                self.call(Method::POST, &format!("/v2/queues/{queue}/{what}"), Value::Null).await;
            }
            57..59 => {
                let Some(queue) = self.queue() else { return };
                self.call(Method::DELETE, &format!("/v2/queues/{queue}"), Value::Null).await;
            }
            59..66 => {
                let Some(key) = self.key() else { return };
                self.keys[key].1 = value(&mut self.random, self.rates);
                let others =
                    (0..self.keys.len()).filter(|other| *other == key || self.random.random_bool(0.5)).collect();
                self.publish(1, Some(others)).await;
            }
            66..71 => {
                let Some(key) = self.key() else { return };
                let what = ["pause", "resume", "resume"].choose(&mut self.random).unwrap_or(&"resume");
                self.call(Method::POST, &format!("/v2/flowControl/{}/{what}", self.keys[key].0), Value::Null).await;
            }
            71..77 => {
                let Some(key) = self.key() else { return };
                let mut what = ["pin?parallelism=1", "pin?parallelism=3", "unpin?parallelism=true&rate=true"].to_vec();
                if self.rates {
                    what.extend(["pin?rate=1&period=2", "pin?rate=3&period=1&parallelism=2", "resetRate"]);
                }
                let what = what.choose(&mut self.random).copied().unwrap_or("resume");
                self.call(Method::POST, &format!("/v2/flowControl/{}/{what}", self.keys[key].0), Value::Null).await;
            }
            77..86 => {
                let Some(id) = self.recent() else { return };
                self.call(Method::DELETE, &format!("/v2/messages/{id}"), Value::Null).await;
            }
            86..88 => {
                let ids: Vec<String> = [self.recent(), self.recent()].into_iter().flatten().collect();
                self.call(Method::DELETE, "/v2/messages", json!({ "messageIds": ids })).await;
            }
            88..93 => {
                let Some(id) = self.recent() else { return };
                let asked = now();
                let answer = self.call(Method::POST, &format!("/v2/messages/{id}/retry"), Value::Null).await;
                if answer.is_some_and(|(status, _)| status == 200) {
                    self.happened.made_due.push((id, asked, now()));
                }
            }
            93..96 => self.redrive().await,
            _ => self.batch().await,
        }
    }

    /// Returns one of the last messages.
    fn recent(&mut self) -> Option<String> {
        let last = self.ids.len().saturating_sub(8);
        self.ids[last..].choose(&mut self.random).cloned()
    }

    async fn redrive(&mut self) {
        let Some((_, page)) = self.call(Method::GET, "/v2/dlq?count=50", Value::Null).await else { return };
        let ours =
            |letter: &&Value| letter["messageId"].as_str().is_some_and(|id| self.ids.iter().any(|own| own == id));
        let letters: Vec<&Value> = page["messages"].as_array().into_iter().flatten().filter(ours).collect();
        let Some(id) = letters.first().and_then(|letter| letter["dlqId"].as_str()) else { return };
        let redriven = self.call(Method::POST, &format!("/v2/dlq/retry/{id}"), Value::Null).await;
        self.ids.extend(redriven.and_then(|(_, body)| body["messageId"].as_str().map(str::to_owned)));
    }

    async fn batch(&mut self) {
        let mut items = Vec::new();
        for _ in 0..self.random.random_range(2..=4) {
            let (path, headers) = self.message(None);
            let (queue, destination) = match path.strip_prefix("/v2/enqueue/") {
                Some(rest) => rest.split_once('/').map_or((None, rest), |(queue, url)| (Some(queue), url)),
                None => (None, path.trim_start_matches("/v2/publish/")),
            };
            let headers: serde_json::Map<String, Value> =
                headers.into_iter().map(|(name, value)| (name, Value::String(value))).collect();
            let mut item = json!({ "destination": destination, "headers": headers, "body": "x" });
            if let Some(queue) = queue {
                item["queue"] = queue.into();
            }
            items.push(item);
        }
        if let Some((_, body)) = self.call(Method::POST, "/v2/batch", items.into()).await {
            let ids = body.as_array().into_iter().flatten().filter_map(|item| item["messageId"].as_str());
            self.ids.extend(ids.map(str::to_owned));
        }
    }

    /// Shuts down or kills a process, and starts another in its place.
    async fn end_a_process(&mut self) -> Result<()> {
        let number = self.process();
        let kill = self.random.random_bool(0.5);
        self.note(format!("{number} {}", if kill { "KILL" } else { "TERM" }));
        let ended = now();
        self.deployment.end_process(number, if kill { "KILL" } else { "TERM" }).await?;
        let stopped = now();
        tokio::time::sleep(Duration::from_millis(self.random.random_range(0..1500))).await;
        self.deployment.start_process(number).await?;
        self.note(format!("{number} started"));
        if self.deployment.processes() == 1 {
            self.happened.outages.push((ended, now() + 0.1));
        }
        if kill {
            self.happened.outages.push((ended, stopped + f64::from(self.deployment.lease) + 0.5));
        }
        Ok(())
    }

    /// Resumes most paused limits, then waits until no message is pending, for a few seconds at most.
    async fn drain(&mut self) -> Result<()> {
        if self.random.random_bool(0.8) {
            for queue in self.queues.clone() {
                self.call(Method::POST, &format!("/v2/queues/{queue}/resume"), Value::Null).await;
            }
            for (key, _) in self.keys.clone() {
                self.call(Method::POST, &format!("/v2/flowControl/{key}/resume"), Value::Null).await;
            }
        }
        // A finding needs half a second; the rest is for rates and retries.
        let most = if self.happened.outages.is_empty() { 6.0 } else { 9.0 };
        let until = now() + most;
        while now() < until {
            let row =
                self.deployment.database.query_one("select not exists (select from pending_deliveries)", &[]).await?;
            if row.get(0) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }
}
