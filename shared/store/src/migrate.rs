//! The schema, applied and taken back. The migrations are compiled in: the program that needs a
//! schema brings it.

use diesel::migration::{Migration, MigrationSource, MigrationVersion};
use diesel::pg::Pg;
use diesel_async::{AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::{Database, Error, retention};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

/// One migration and whether the database has it.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Status {
    /// Its folder's name.
    pub name: String,
    /// Whether it has been applied.
    pub applied: bool,
}

/// Applies what is missing, in order, and makes the days of events to come. Returns the names of what
/// it applied. Several processes may call it at once: one does the work, the others wait for it.
pub async fn up(database: &Database) -> Result<Vec<String>, Error> {
    up_with(database, |_| {}).await
}

/// A migration that begins.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// Its folder's name.
    pub name: &'a str,
    /// The how manieth it is, from 1.
    pub number: usize,
    /// How many there are to do.
    pub of: usize,
}

/// The same, and says of each migration when it begins.
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

/// Takes back the newest `count` migrations that are applied. Their data is gone. Returns their names.
pub async fn down(database: &Database, count: usize) -> Result<Vec<String>, Error> {
    down_with(database, count, |_| {}).await
}

/// The same, and says of each migration when it begins.
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

/// Every migration this program knows, in order.
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

/// The folder's name of a version; one that only another release knows stands for itself.
fn name(version: &MigrationVersion<'_>) -> Result<String, AnyError> {
    let known = known()?;
    let migration = known.iter().find(|migration| migration.name().version() == *version);
    Ok(migration.map_or_else(|| version.to_string(), |migration| migration.name().to_string()))
}

type Harness = AsyncMigrationHarness<AsyncPgConnection>;
type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// Runs the work on a connection of its own, under a lock that other migrating processes wait for.
async fn with_lock<T: Send + 'static>(
    database: &Database,
    work: impl FnOnce(&mut Harness) -> Result<T, AnyError> + Send + 'static,
) -> Result<T, Error> {
    let mut connection = database.dedicated_connection().await?;
    diesel::sql_query("select pg_advisory_lock(hashtext('sigpost migrate'))").execute(&mut connection).await?;
    // The harness is synchronous; it may block a thread of its own. The lock ends with the connection.
    let done = tokio::task::spawn_blocking(move || {
        let mut harness = AsyncMigrationHarness::new(connection);
        work(&mut harness)
    });
    match done.await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(why)) => Err(Error::Refused(format!("a migration failed: {why}"))),
        Err(why) => Err(Error::Refused(format!("a migration failed: {why}"))),
    }
}
