//! `sigpost keys show|rotate`.

mod rotate;

use anyhow::Result;
use clap::{Args, Subcommand};
use sigpost_client::Client;
use sigpost_qstash::SigningKeys;
use sigpost_qstash::admin::KeyStates;

use crate::api_args::{AdminArgs, ApiArgs};
use crate::output;
use crate::table::{Table, seconds, text};

/// Show and rotate the signing keys of deliveries.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sigpost keys show
  sigpost keys show --reveal
  sigpost keys rotate")]
pub(crate) struct Keys {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Show(Show),
    Rotate(rotate::Rotate),
}

/// Show the age and the fingerprints of the signing keys, or the keys with --reveal.
#[derive(Debug, Args)]
struct Show {
    /// Print the two keys as environment variables for handlers.
    #[arg(long)]
    reveal: bool,
    #[command(flatten)]
    api: ApiArgs,
    #[command(flatten)]
    admin: AdminArgs,
}

impl Keys {
    pub(crate) async fn run(self) -> Result<()> {
        match self.action {
            Action::Show(show) => show.run().await,
            Action::Rotate(rotate) => rotate.run().await,
        }
    }
}

impl Show {
    async fn run(self) -> Result<()> {
        if self.reveal {
            return self.api.print(Client::get_keys, |keys| variables(&keys)).await;
        }
        let admin = self.admin.open(self.api.place())?;
        output::response(self.api.json, admin.get_key_states(), |states| table(&states)).await
    }
}

fn variables(SigningKeys { current, next }: &SigningKeys) -> String {
    format!("QSTASH_CURRENT_SIGNING_KEY={}\nQSTASH_NEXT_SIGNING_KEY={}", text(current), text(next))
}

fn table(KeyStates { keys }: &KeyStates) -> String {
    let Some(keys) = keys else {
        return "no signing keys: the first start of a dispatcher creates them".into();
    };
    let table = Table::new(["KEY", "FINGERPRINT"])
        .row(["current".into(), text(&keys.current_fingerprint)])
        .row(["next".into(), text(&keys.next_fingerprint)]);
    format!("{}\ncreated or rotated {} ago", table.draw(), seconds(keys.age_s))
}
