//! The end of a run.

use std::marker::PhantomData;

use diesel::sql_types::{Bool, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use super::storable::{bounded_error, bounded_result};
use crate::Error;

/// The end of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Finish<'a> {
    /// Completed, with the handler's result.
    Completed(Option<&'a Value>),
    /// Failed, with the error.
    Failed(&'a str),
}

/// Deletes the job's payload on completion, both of its runs and of its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purge {
    /// The message, if this deployment has it.
    pub message: Option<Uuid>,
}

/// The result of [`end`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// The end was recorded.
    Now,
    /// The same end was recorded before.
    Before,
    /// The run had lost its lease, or had another end: nothing was recorded.
    Not,
}

statement! {
    /// The update is the fence. The last line makes a repetition after a lost response harmless.
    End {
        id: Uuid => SqlUuid,
        status: &'static str => Text,
        result: Option<String> => Nullable<Text>,
        error: Option<String> => Nullable<Text>,
        purge: bool => Bool,
    } -> (Bool, Bool);
    "with wanted as (
        select " {id} " as id, " {status} "::job_execution_status as status, " {result} "::jsonb as result,
               " {error} " as error, " {purge} " as purge
    ),
    ended as (
        update job_executions r set
            status = wanted.status,
            result = wanted.result,
            error = wanted.error,
            payload = case when wanted.purge then null else r.payload end,
            completed_at = now(),
            lease_until = null
        from wanted
        where r.id = wanted.id and r.lease_until is not null
        returning r.id, r.message_id, wanted.purge
    ),
    unlocked as (update locks l set holder = null, lease_until = null from ended where l.holder = ended.id),
    purged as (
        update job_executions r set payload = null from ended
        where ended.purge and r.message_id = ended.message_id and r.id <> ended.id
    )
    select exists (select from ended), exists (
        select from job_executions r join wanted using (id)
        where (r.status, r.error) is not distinct from (wanted.status, wanted.error)
    )"
}

statement! {
    /// A separate statement, for few runs: in the other one it would open every partition.
    EmptyBody { message: Uuid => SqlUuid } -> ();
    "update messages set body = '' where id = " {message}
}

/// Records the end of a run, and releases its locks. If further rows depend on it, use one transaction and commit
/// only for [`Written::Now`]. An error text is truncated to 8 KiB; a result over 64 KiB is replaced by its size. Only
/// a completed run is purged.
pub async fn end(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    finish: Finish<'_>,
    purge: Option<Purge>,
) -> Result<Written, Error> {
    let (status, result, error) = match finish {
        Finish::Completed(result) => ("completed", result.map(bounded_result), None),
        Finish::Failed(error) => ("failed", None, Some(bounded_error(error))),
    };
    let purge = purge.filter(|_| status == "completed");
    let statement = End { id, status, result, error, purge: purge.is_some(), lifetime: PhantomData };
    let Some(message) = purge.and_then(|purge| purge.message) else { return statement.run(conn).await };
    conn.transaction(async |conn| {
        let written = statement.run(conn).await?;
        if written == Written::Now {
            EmptyBody { message, lifetime: PhantomData }.execute(conn).await?;
        }
        Ok(written)
    })
    .await
}

impl End<'_> {
    async fn run(self, conn: &mut AsyncPgConnection) -> Result<Written, Error> {
        let (now, before): (bool, bool) = self.get_result(conn).await?;
        Ok(match (now, before) {
            (true, _) => Written::Now,
            (false, true) => Written::Before,
            (false, false) => Written::Not,
        })
    }
}

/// As [`end`], without purging. Returns `false` if the run had lost its lease and nothing was recorded.
pub async fn finish(conn: &mut AsyncPgConnection, id: Uuid, finish: Finish<'_>) -> Result<bool, Error> {
    Ok(end(conn, id, finish, None).await? != Written::Not)
}
