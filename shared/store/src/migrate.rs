//! Applies and reverts schema migrations, which are compiled into the program.

use diesel::migration::{Migration, MigrationSource, MigrationVersion};
use diesel::pg::Pg;
use diesel_async::{AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::{Database, Error, retention};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// A migration, and whether it is applied.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Status {
    /// The name of its folder.
    pub name: String,
    /// Whether it has been applied.
    pub applied: bool,
}

/// Applies pending migrations in order, and creates the partitions of the coming days. Returns the names of the
/// applied ones. Concurrent processes wait for the first one.
pub async fn up(database: &Database) -> Result<Vec<String>, Error> {
    up_with(database, |_| {}).await
}

/// A migration that is about to run.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// The name of its folder.
    pub name: &'a str,
    /// 1-based position.
    pub number: usize,
    /// Total number of migrations to run.
    pub of: usize,
}

/// As [`up`], and calls back before each migration.
pub async fn up_with(
    database: &Database,
    mut begins: impl FnMut(Step<'_>) + Send + 'static,
) -> Result<Vec<String>, Error> {
    let names = with_lock(database, move |harness| {
        let pending = harness.pending_migrations(MIGRATIONS)?;
        let mut names = Vec::new();
        for migration in &pending {
            let name = migration.name().to_string();
            begins(Step { name: &name, number: names.len() + 1, of: pending.len() });
            harness.run_migration(migration)?;
            names.push(name);
        }
        Ok(names)
    })
    .await?;
    retention::ensure_days(&mut *database.connection().await?).await?;
    Ok(names)
}

/// Reverts the newest `count` applied migrations, whose data is lost. Returns their names.
pub async fn down(database: &Database, count: usize) -> Result<Vec<String>, Error> {
    down_with(database, count, |_| {}).await
}

/// As [`down`], and calls back before each migration.
pub async fn down_with(
    database: &Database,
    count: usize,
    mut begins: impl FnMut(Step<'_>) + Send + 'static,
) -> Result<Vec<String>, Error> {
    with_lock(database, move |harness| {
        let names = harness.applied_migrations()?.iter().take(count).map(name).collect::<Result<Vec<_>, _>>()?;
        for (done, name) in names.iter().enumerate() {
            begins(Step { name, number: done + 1, of: names.len() });
            harness.revert_last_migration(MIGRATIONS)?;
        }
        Ok(names)
    })
    .await
}

/// Returns all migrations of this program, in order.
pub async fn status(database: &Database) -> Result<Vec<Status>, Error> {
    with_lock(database, |harness| {
        let applied: Vec<String> = harness.applied_migrations()?.iter().map(ToString::to_string).collect();
        Ok(known()?
            .iter()
            .map(|migration| Status {
                name: migration.name().to_string(),
                applied: applied.contains(&migration.name().version().to_string()),
            })
            .collect())
    })
    .await
}

fn known() -> Result<Vec<Box<dyn Migration<Pg>>>, AnyError> {
    let mut known: Vec<Box<dyn Migration<Pg>>> = MigrationSource::<Pg>::migrations(&MIGRATIONS)?;
    known.sort_by_key(|migration| migration.name().version().as_owned());
    Ok(known)
}

/// Returns the folder's name of a version; a version of another release is returned as it is.
fn name(version: &MigrationVersion<'_>) -> Result<String, AnyError> {
    let known = known()?;
    let migration = known.iter().find(|migration| migration.name().version() == *version);
    Ok(migration.map_or_else(|| version.to_string(), |migration| migration.name().to_string()))
}

type Harness = AsyncMigrationHarness<AsyncPgConnection>;
type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// Runs the closure on a connection of its own, under a lock on which other migrating processes wait.
async fn with_lock<T: Send + 'static>(
    database: &Database,
    work: impl FnOnce(&mut Harness) -> Result<T, AnyError> + Send + 'static,
) -> Result<T, Error> {
    let mut connection = database.dedicated_connection().await?;
    diesel::sql_query("select pg_advisory_lock(hashtext('sigpost migrate'))").execute(&mut connection).await?;
    // The harness is synchronous and runs on a blocking thread. The lock ends with the connection.
    let done = tokio::task::spawn_blocking(move || {
        let mut harness = AsyncMigrationHarness::new(connection);
        work(&mut harness)
    });
    match done.await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(why)) => Err(Error::Rejected(format!("a migration failed: {why}"))),
        Err(why) => Err(Error::Rejected(format!("a migration failed: {why}"))),
    }
}
