//! `sigpost keys rotate`.

use anyhow::Result;
use clap::Args;
use sigpost_client::Client;

use crate::api_args::ApiArgs;
use crate::confirm::ConfirmArgs;

const BEFORE: &str =
    "Before: every handler must have both keys in QSTASH_CURRENT_SIGNING_KEY and QSTASH_NEXT_SIGNING_KEY
(`sigpost keys show --reveal`). A handler without the next key rejects every delivery after the
rotation. Handlers that read the keys from the database of this deployment need no change.";
const AFTER: &str = "Rotated. The former next key signs deliveries now, and there is a new next key.
After: give every handler the new pair (`sigpost keys show --reveal`) before the next rotation.
Until then, handlers accept deliveries with the pair they have.";

/// Rotate the signing keys: the next key becomes the current one, and a new next key is created.
#[derive(Debug, Args)]
#[command(after_help = "Example: sigpost keys rotate
It prints what handlers need before and after the rotation, and asks for confirmation. Without a terminal
it requires --yes. With --json it prints the new pair.")]
pub(super) struct Rotate {
    #[command(flatten)]
    confirm: ConfirmArgs,
    #[command(flatten)]
    api: ApiArgs,
}

impl Rotate {
    pub(super) async fn run(self) -> Result<()> {
        eprintln!("{BEFORE}\n");
        self.confirm.confirm("Do all handlers have both keys? Rotate now?")?;
        self.api.print(Client::rotate_keys, |_| AFTER.to_owned()).await
    }
}
