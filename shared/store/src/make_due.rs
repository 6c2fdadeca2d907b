//! Make due: delivers a scheduled message now.

use std::marker::PhantomData;

use diesel::sql_types::{Bool, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use sigpost_qstash::MessageId;
use uuid::Uuid;

use crate::messages::MessageState;
use crate::{Error, WakeUps};

/// The result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MadeDue {
    /// The message was scheduled or blocked, and is due now; in a queue it keeps its place.
    Yes,
    /// It is in flight, or has ended.
    No(MessageState),
    /// No message has this ID.
    Unknown,
}

statement! {
    /// The earliest time of the first delivery changes as well.
    MakeDue { id: Uuid => SqlUuid } -> (Bool, Nullable<Text>, Nullable<Text>);
    file "make_due.sql"
}

/// Makes a scheduled message due: its first attempt or a retry.
pub async fn make_due(conn: &mut AsyncPgConnection, id: MessageId) -> Result<(MadeDue, WakeUps), Error> {
    let statement = MakeDue { id: id.0, lifetime: PhantomData };
    let (made_due, state, blocked_by): (bool, Option<String>, Option<String>) = statement.get_result(conn).await?;
    if made_due {
        let wake_ups = blocked_by.map_or_else(WakeUps::due_now, |limit| WakeUps::at_limits([limit]));
        return Ok((MadeDue::Yes, wake_ups));
    }
    let found = match state {
        // The statement saw the message as pending, but it was leased meanwhile.
        Some(state) if state == MessageState::Pending.as_str() => MadeDue::No(MessageState::Active),
        Some(state) => MadeDue::No(MessageState::from_label(&state)),
        None => MadeDue::Unknown,
    };
    Ok((found, WakeUps::default()))
}
