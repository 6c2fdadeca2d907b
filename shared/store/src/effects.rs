//! The ledger of effects: recorded side effects of jobs, so that a repeated run does not repeat them.

use std::marker::PhantomData;

use diesel::sql_types::{BigInt, Bool, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use sigpost_qstash::MessageId;
use uuid::Uuid;

use crate::Error;
use crate::runs::storable::{read_json, storable_json};

/// An effect: a message, and the effect's name within the message.
#[derive(Clone, Copy, Debug)]
pub struct Effect<'a> {
    /// The ID on the wire of the original message: redriven messages share its effects.
    pub message_id: &'a str,
    /// The delivered message, in `messages`, if this deployment has it.
    pub message: Option<Uuid>,
    /// The current run.
    pub run: Uuid,
    /// The effect's name.
    pub name: &'a str,
}

/// The state of an effect and of the run's lease before the effect.
#[derive(Clone, Debug, PartialEq)]
pub enum Look {
    /// No success is recorded.
    NotDone,
    /// The effect succeeded, with this result.
    Done(Value),
    /// The run has lost its lease: another run may be in progress.
    Lost,
    /// The message was cancelled.
    Cancelled,
}

statement! {
    LookUp {
        run: Uuid => SqlUuid,
        message: Option<Uuid> => Nullable<SqlUuid>,
        message_id: &'a str => Text,
        name: &'a str => Text,
    } -> (Bool, Bool, Nullable<Text>);
    "select exists (select from job_executions where id = " {run} " and lease_until > now()),
            exists (select from attempts where message_id = " {message} " and outcome = 'cancelled'),
            (select result::text from effects where message_id = " {message_id} " and name = " {name} ")"
}

/// Returns whether to execute an effect.
pub async fn look(conn: &mut AsyncPgConnection, effect: Effect<'_>) -> Result<Look, Error> {
    let Effect { message_id, message, run, name } = effect;
    let statement = LookUp { run, message, message_id, name, lifetime: PhantomData };
    let answer: (bool, bool, Option<String>) = statement.get_result(conn).await?;
    Ok(match answer {
        (false, _, _) => Look::Lost,
        (true, true, _) => Look::Cancelled,
        (true, false, None) => Look::NotDone,
        (true, false, Some(result)) => Look::Done(read_json(&result)?),
    })
}

statement! {
    Record {
        message_id: &'a str => Text,
        name: &'a str => Text,
        message: Option<Uuid> => Nullable<SqlUuid>,
        run: Uuid => SqlUuid,
        result: String => Text,
    } -> Nullable<Text>;
    "with wanted as (select " {message_id} " as message_id, " {name} " as name),
    stored as (
        insert into effects (message_id, name, message, run_id, result)
        select message_id, name, " {message} "," {run} "," {result} "::jsonb from wanted
        on conflict do nothing
        returning result
    )
    select coalesce((select result::text from stored),
                    (select result::text from effects join wanted using (message_id, name)))"
}

/// Records a successful effect, even if the lease is lost by now: the effect has happened, and later runs must find
/// it. Returns the recorded result, which is the first one; `None` if that one is not yet visible.
pub async fn record(conn: &mut AsyncPgConnection, effect: Effect<'_>, result: &Value) -> Result<Option<Value>, Error> {
    let Effect { message_id, message, run, name } = effect;
    let result = storable_json(result).to_string();
    let statement = Record { message_id, name, message, run, result, lifetime: PhantomData };
    let first: Option<String> = statement.get_result(conn).await?;
    first.as_deref().map(read_json).transpose()
}

statement! {
    KeepFor {
        message: Uuid => SqlUuid,
        original_id: &'a str => Text,
    } -> BigInt;
    "with kept as (
        update effects set message = " {message} " where message_id = " {original_id} " returning name
    )
    select count(*) from kept"
}

/// Retains the effects of the original message for as long as the redriven message.
pub(crate) async fn keep_for(conn: &mut AsyncPgConnection, original_id: &str, message: MessageId) -> Result<(), Error> {
    let _count: i64 = KeepFor { message: message.0, original_id, lifetime: PhantomData }.get_result(conn).await?;
    Ok(())
}
