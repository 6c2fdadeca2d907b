//! Finds and repairs differences between EventBridge Scheduler and the rows.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt};
use serde::Serialize;
use sigpost_store::mirrors::{self, Original};

use super::driver::{EventBridgeDriver, Failure};
use super::name;
use super::request::copies;

/// Schedules that are compared concurrently. AWS allows thousands of such calls per second.
const AT_ONCE: usize = 16;

/// Differences between EventBridge Scheduler and the rows. All are repaired except those in `failed`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Drift {
    /// Number of schedules.
    pub schedules: usize,
    /// IDs of schedules of which copies were missing.
    pub missing: Vec<String>,
    /// IDs of schedules with different copies.
    pub different: Vec<String>,
    /// Names of copies without a schedule.
    pub orphaned: Vec<String>,
    /// IDs of schedules and names of orphans whose repair failed; the log has the errors.
    pub failed: Vec<String>,
}

/// The result of a comparison.
enum Found {
    Same,
    Missing,
    Different,
}

impl EventBridgeDriver {
    /// Compares and repairs all schedules. Concurrent changes are not drift and are not reverted.
    pub(crate) async fn reconcile(&self) -> Result<Drift, Failure> {
        // Listed before the rows are read, because a writer commits the row before it creates the copy.
        let mut held = by_schedule(self.names(None).await?);
        let rows = mirrors::all(&mut *self.database.connection().await?).await?;
        let mut drift = Drift { schedules: rows.len(), ..Drift::default() };

        let rows: Vec<_> =
            rows.into_iter().map(|row| (held.remove(&name::prefix(&row.id)).unwrap_or_default(), row)).collect();
        let repair = |(names, row): (BTreeSet<String>, Original)| async move {
            let found = self.repair(&row, &names).await;
            (row.id, found)
        };
        let mut seen = stream::iter(rows.into_iter().map(repair)).buffered(AT_ONCE);
        while let Some((id, found)) = seen.next().await {
            match found {
                Ok(Found::Same) => {}
                Ok(Found::Missing) => drift.missing.push(id),
                Ok(Found::Different) => drift.different.push(id),
                Err(failure) => drift.failed(&id, &failure),
            }
        }
        for name in held.into_values().flatten() {
            match self.delete(&name).await {
                Ok(()) => drift.orphaned.push(name),
                Err(failure) => drift.failed(&name, &failure),
            }
        }
        self.restore_new_ones_among(&mut drift).await?;
        if drift.is_none() {
            tracing::info!(schedules = drift.schedules, "the schedules in EventBridge Scheduler are consistent");
        } else {
            let Drift { schedules, missing, different, orphaned, failed } = &drift;
            tracing::warn!(
                schedules,
                ?missing,
                ?different,
                ?orphaned,
                ?failed,
                "schedules in EventBridge Scheduler differed from the database"
            );
        }
        Ok(drift)
    }

    async fn repair(&self, row: &Original, held: &BTreeSet<String>) -> Result<Found, Failure> {
        let wanted = copies(row, &self.settings)?;
        let mut found = Found::Same;
        if held.len() > wanted.len() {
            found = Found::Different;
        }
        for copy in &wanted {
            if !held.contains(&copy.name) {
                found = Found::Missing;
                break;
            }
            if !self.holds(copy).await? {
                found = Found::Different;
            }
        }
        match found {
            Found::Same if row.mirrored_at.is_some() => {}
            // Only the mark is missing: the last writer was interrupted before it set the mark.
            Found::Same => drop(mirrors::mark(&mut *self.database.connection().await?, row).await?),
            Found::Missing | Found::Different => self.mirror(&row.id).await?,
        }
        Ok(found)
    }

    /// Restores schedules that were created again after the rows were read, whose copies were deleted as orphans.
    async fn restore_new_ones_among(&self, drift: &mut Drift) -> Result<(), Failure> {
        if drift.orphaned.is_empty() {
            return Ok(());
        }
        for row in mirrors::all(&mut *self.database.connection().await?).await? {
            let prefix = name::prefix(&row.id);
            let count = drift.orphaned.len();
            drift.orphaned.retain(|name| !name.starts_with(&prefix));
            if drift.orphaned.len() < count
                && let Err(failure) = self.mirror(&row.id).await
            {
                drift.failed(&row.id, &failure);
            }
        }
        Ok(())
    }
}

impl Drift {
    /// Whether there were no differences.
    pub fn is_none(&self) -> bool {
        let Self { schedules: _, missing, different, orphaned, failed } = self;
        [missing, different, orphaned, failed].iter().all(|some| some.is_empty())
    }

    fn failed(&mut self, what: &str, failure: &Failure) {
        tracing::warn!(error = %failure, schedule = what, "repairing a schedule in EventBridge Scheduler failed");
        self.failed.push(what.to_owned());
    }
}

/// Groups names by the prefix of their schedule.
fn by_schedule(names: BTreeSet<String>) -> BTreeMap<String, BTreeSet<String>> {
    let mut by_schedule: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for name in names {
        if let Some(prefix) = name::prefix_of(&name) {
            by_schedule.entry(prefix.to_owned()).or_default().insert(name);
        }
    }
    by_schedule
}
