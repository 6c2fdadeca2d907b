//! `sigpost flow list|show|pause|resume|pin|unpin|reset`.

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::Value;

use crate::api_client::{ApiArgs, with_query};
use crate::filter_args::{Parameter, Parameters};
use crate::table::{Table, limit, text};
use crate::usage::WrongUsage;

const PATH: &str = "/v2/flowControl";

/// List, pause and pin flow-control keys, which limit the parallelism and rate of attempts.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sigpost flow list --search openai
  sigpost flow pin openai --rate 10 --period 1m
  sigpost flow unpin openai --rate")]
pub(crate) struct Flow {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    List(List),
    /// Show a key.
    Show(Named),
    /// Pause a key: no new attempt starts. Attempts in flight continue, and new messages are accepted.
    Pause(Named),
    /// Resume a key.
    Resume(Named),
    Pin(Pin),
    Unpin(Unpin),
    /// Reset the rate of a key: a new period starts with a count of 0.
    Reset(Named),
}

/// List keys with their limits and blocked messages.
#[derive(Debug, Args)]
struct List {
    /// Only keys that contain this text.
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    #[command(flatten)]
    api: ApiArgs,
}

#[derive(Debug, Args)]
struct Named {
    /// The key.
    key: String,
    #[command(flatten)]
    api: ApiArgs,
}

/// Set limits that publishes do not change until `unpin`.
#[derive(Debug, Args)]
struct Pin {
    #[command(flatten)]
    named: Named,
    /// Maximum number of attempts in flight.
    #[arg(long, value_name = "N", required_unless_present = "rate")]
    parallelism: Option<u32>,
    /// Maximum number of attempts that start in a period.
    #[arg(long, value_name = "N")]
    rate: Option<u32>,
    /// Period of the rate, e.g. `1s`, `1m` (default 1s).
    #[arg(long, value_name = "DURATION", requires = "rate")]
    period: Option<String>,
}

/// Let publishes change the limits of a key again.
#[derive(Debug, Args)]
struct Unpin {
    #[command(flatten)]
    named: Named,
    /// Unpin the parallelism.
    #[arg(long)]
    parallelism: bool,
    /// Unpin the rate.
    #[arg(long)]
    rate: bool,
}

impl Flow {
    pub(crate) async fn run(self) -> Result<()> {
        match self.action {
            Action::List(list) => list.run().await,
            Action::Show(Named { key, api }) => api.show(PATH, &key, |key| table(std::slice::from_ref(key))).await,
            Action::Pause(named) => named.change("pause", &[], "is paused").await,
            Action::Resume(named) => named.change("resume", &[], "is resumed").await,
            Action::Reset(named) => named.change("resetRate", &[], "has started a new rate period").await,
            Action::Pin(Pin { named, parallelism, rate, period }) => {
                let number = |number: Option<u32>| number.map(|number| number.to_string());
                let all = [("parallelism", number(parallelism)), ("rate", number(rate)), ("period", period)];
                let given: Parameters<'_> =
                    all.into_iter().filter_map(|(name, value)| Some((name, value?.into()))).collect();
                if given.is_empty() {
                    return Err(WrongUsage::new("nothing to pin: give --parallelism, --rate, or both").into());
                }
                named.change("pin", &given, "is pinned").await
            }
            Action::Unpin(Unpin { named, parallelism, rate }) => {
                if !parallelism && !rate {
                    return Err(WrongUsage::new("nothing to unpin: give --parallelism, --rate, or both").into());
                }
                let all = [("parallelism", parallelism), ("rate", rate)];
                let given: Parameters<'_> =
                    all.into_iter().filter(|(_, given)| *given).map(|(name, _)| (name, "true".into())).collect();
                named.change("unpin", &given, "is unpinned").await
            }
        }
    }
}

impl List {
    async fn run(self) -> Result<()> {
        let parameters: Vec<_> = self.search.iter().map(|text| ("search", text.into())).collect();
        self.api.list(&with_query(PATH, &parameters), table).await
    }
}

impl Named {
    async fn change(self, what: &str, parameters: &[Parameter<'_>], done: &str) -> Result<()> {
        self.api.change(PATH, &self.key, what, parameters, done).await
    }
}

fn table(keys: &[Value]) -> String {
    Table::new(["KEY", "STATE", "BLOCKED", "IN FLIGHT", "PARALLELISM", "STARTED", "RATE", "PERIOD (S)", "PINNED"])
        .rows(keys, |key| {
            let state = if key["isPaused"] == true { "paused" } else { "on" };
            let [name, waiting, count, started, period] =
                ["flowControlKey", "waitListSize", "parallelismCount", "rateCount", "ratePeriod"]
                    .map(|name| text(&key[name]));
            let pinned = match (key["isPinnedParallelism"] == true, key["isPinnedRate"] == true) {
                (true, true) => "parallelism, rate",
                (true, false) => "parallelism",
                (false, true) => "rate",
                (false, false) => "-",
            };
            let [most, rate] = ["parallelismMax", "rateMax"].map(|name| limit(&key[name]));
            [name, state.into(), waiting, count, most, started, rate, period, pinned.into()]
        })
        .or("no flow-control keys: the first message with a key creates it")
}
