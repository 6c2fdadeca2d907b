//! `sigpost flow list|show|pause|resume|pin|unpin|reset`.

use anyhow::Result;
use clap::{Args, Subcommand};
use sigpost_client::{Call, Client, Done};
use sigpost_qstash::FlowControlKey;

use crate::api_args::ApiArgs;
use crate::table::{Table, limit, text};
use crate::usage::WrongUsage;

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
            Action::List(List { search, api }) => {
                api.print_list(|api| api.list_flow_control_keys(search.as_deref()), table).await
            }
            Action::Show(Named { key, api }) => {
                api.print(|api| api.get_flow_control_key(&key), |key| table(std::slice::from_ref(&key))).await
            }
            Action::Pause(named) => named.change(Client::pause_flow_control_key, "is paused").await,
            Action::Resume(named) => named.change(Client::resume_flow_control_key, "is resumed").await,
            Action::Reset(named) => {
                named.change(Client::reset_flow_control_rate, "has started a new rate period").await
            }
            Action::Pin(Pin { named, parallelism, rate, period }) => {
                if parallelism.is_none() && rate.is_none() {
                    return Err(WrongUsage::new("nothing to pin: give --parallelism, --rate, or both").into());
                }
                let limits = sigpost_client::Pin { parallelism, rate, period };
                named.change(|api, key| api.pin_flow_control_key(key, &limits), "is pinned").await
            }
            Action::Unpin(Unpin { named, parallelism, rate }) => {
                if !parallelism && !rate {
                    return Err(WrongUsage::new("nothing to unpin: give --parallelism, --rate, or both").into());
                }
                named.change(|api, key| api.unpin_flow_control_key(key, parallelism, rate), "is unpinned").await
            }
        }
    }
}

impl Named {
    async fn change(self, call: impl FnOnce(&Client, &str) -> Call<Done>, done: &str) -> Result<()> {
        let Self { key, api } = self;
        api.print(|api| call(api, &key), |_| format!("{key} {done}")).await
    }
}

fn table(keys: &[FlowControlKey]) -> String {
    Table::new(["KEY", "STATE", "BLOCKED", "IN FLIGHT", "PARALLELISM", "STARTED", "RATE", "PERIOD (S)", "PINNED"])
        .rows(keys, |key| {
            let state = if key.is_paused { "paused" } else { "on" };
            let pinned = match (key.is_pinned_parallelism, key.is_pinned_rate) {
                (true, true) => "parallelism, rate",
                (true, false) => "parallelism",
                (false, true) => "rate",
                (false, false) => "-",
            };
            [
                text(&key.flow_control_key),
                state.into(),
                key.wait_list_size.to_string(),
                key.parallelism_count.to_string(),
                limit(key.parallelism_max),
                key.rate_count.to_string(),
                limit(key.rate_max),
                key.rate_period.to_string(),
                pinned.into(),
            ]
        })
        .or("no flow-control keys: the first message with a key creates it")
}
