//! List, show, change and delete requests for resources that have a name: queues, schedules and flow-control keys.

use anyhow::Result;
use serde_json::Value;

use super::{ApiArgs, with_query, with_segment};
use crate::filter_args::Parameter;
use crate::output;
use crate::table::list;

impl ApiArgs {
    /// Prints the list at the path, as a table unless `--json` is given.
    pub(crate) async fn list(&self, path: &str, table: impl FnOnce(&[Value]) -> String) -> Result<()> {
        let answer = self.open()?.list(path).await?;
        output::print(self.json, &answer, || table(list(&answer)))
    }

    /// Prints one resource.
    pub(crate) async fn show(&self, path: &str, name: &str, text: impl FnOnce(&Value) -> String) -> Result<()> {
        let answer = self.open()?.get(&with_segment(path, name)).await?;
        output::print(self.json, &answer, || text(&answer))
    }

    /// Changes one resource and prints its new state.
    pub(crate) async fn change(
        &self,
        path: &str,
        name: &str,
        what: &str,
        parameters: &[Parameter<'_>],
        done: &str,
    ) -> Result<()> {
        let path = with_query(&format!("{}/{what}", with_segment(path, name)), parameters);
        let answer = self.open()?.post(&path).await?;
        output::print(self.json, &answer, || format!("{name} {done}"))
    }

    /// Deletes one resource and prints what was deleted with it.
    pub(crate) async fn delete(&self, path: &str, name: &str, done: impl FnOnce(&Value) -> String) -> Result<()> {
        let answer = self.open()?.delete(&with_segment(path, name)).await?;
        output::print(self.json, &answer, || format!("{name} is deleted{}", done(&answer)))
    }
}
