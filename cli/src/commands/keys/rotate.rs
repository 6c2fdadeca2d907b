//! `sigpost keys rotate`.

use anyhow::Result;
use clap::Args;

use crate::api_client::ApiArgs;
use crate::confirm::ConfirmArgs;
use crate::output;

const BEFORE: &str = "Before: every handler must have both keys as they are now, in QSTASH_CURRENT_SIGNING_KEY and
QSTASH_NEXT_SIGNING_KEY (`sigpost keys show --reveal`). A handler that knows the current key only
will refuse every delivery from now on. Handlers that read the keys from this deployment's database
need nothing.";
const AFTER: &str = "Rotated. What was the next key signs now, and a new one follows it.
After: give every handler the new pair (`sigpost keys show --reveal`), before the next rotation.
Until then handlers go on with the pair they have.";

/// Rotate the keys: the next key signs from now on, a new one follows it, the current one is no longer used.
#[derive(Debug, Args)]
#[command(after_help = "Example: sigpost keys rotate
It says what handlers need before and after, and asks in between; without a terminal it needs --yes.
With --json it prints the API's answer, which is the new pair.")]
pub(super) struct Rotate {
    #[command(flatten)]
    confirm: ConfirmArgs,
    #[command(flatten)]
    api: ApiArgs,
}

impl Rotate {
    pub(super) async fn run(self) -> Result<()> {
        eprintln!("{BEFORE}\n");
        self.confirm.confirm("Do all handlers have both keys, and should the next one sign now?")?;
        let keys = self.api.open()?.post("/v2/keys/rotate").await?;
        output::print(self.api.json, &keys, || AFTER.to_owned())
    }
}
