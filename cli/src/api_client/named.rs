//! What the API keeps by name (queues, schedules, flow-control keys): all of it, and one by its name.

use anyhow::Result;
use serde_json::Value;

use super::{ApiArgs, with_query, with_segment};
use crate::filter_args::Parameter;
use crate::output;
use crate::table::list;

impl ApiArgs {
    /// Prints what is kept at the path, as a table for people.
    pub(crate) async fn list(&self, path: &str, table: impl FnOnce(&[Value]) -> String) -> Result<()> {
        let answer = self.open()?.list(path).await?;
        output::print(self.json, &answer, || table(list(&answer)))
    }

    /// Prints one.
    pub(crate) async fn show(&self, path: &str, name: &str, text: impl FnOnce(&Value) -> String) -> Result<()> {
        let answer = self.open()?.get(&with_segment(path, name)).await?;
        output::print(self.json, &answer, || text(&answer))
    }

    /// Changes one, and says what it is now.
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

    /// Deletes one, and says what went with it.
    pub(crate) async fn delete(&self, path: &str, name: &str, done: impl FnOnce(&Value) -> String) -> Result<()> {
        let answer = self.open()?.delete(&with_segment(path, name)).await?;
        output::print(self.json, &answer, || format!("{name} is deleted{}", done(&answer)))
    }
}
