//! `sigpost keys show|rotate`.

mod rotate;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::Value;

use crate::api_client::{AdminArgs, Api, ApiArgs};
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
            let keys = self.api.open()?.get("/v2/keys").await?;
            return output::print(self.api.json, &keys, || {
                let [current, next] = ["current", "next"].map(|name| text(&keys[name]));
                format!("QSTASH_CURRENT_SIGNING_KEY={current}\nQSTASH_NEXT_SIGNING_KEY={next}")
            });
        }
        let answer = fingerprints(&self.admin.open(self.api.place())?).await?;
        output::print(self.api.json, &answer, || table(&answer))
    }
}

async fn fingerprints(admin: &Api) -> Result<Value> {
    admin.get("/api/admin/keys").await
}

fn table(answer: &Value) -> String {
    let keys = &answer["keys"];
    if keys.is_null() {
        return "no signing keys: the first start of a dispatcher creates them".into();
    }
    let table = Table::new(["KEY", "FINGERPRINT"])
        .row(["current".into(), text(&keys["currentFingerprint"])])
        .row(["next".into(), text(&keys["nextFingerprint"])]);
    format!("{}\ncreated or rotated {} ago", table.draw(), seconds(&keys["ageSeconds"]))
}
