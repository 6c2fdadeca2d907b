//! Make due: a message that waits for its time goes out now.

use std::marker::PhantomData;

use diesel::sql_types::{Bool, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use sigpost_qstash::MessageId;
use uuid::Uuid;

use crate::messages::MessageState;
use crate::{Error, WakeUps};

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MadeDue {
    /// It waited for its time, or at a gate. It is due now; at a gate it keeps its place.
    Yes,
    /// It is in flight, or has ended.
    No(MessageState),
    /// There is no such message.
    Unknown,
}

statement! {
    /// The earliest time of the first delivery changes with it.
    MakeDue { id: Uuid => SqlUuid } -> (Bool, Nullable<Text>, Nullable<Text>);
    file "make_due.sql"
}

/// Makes a message due that waits for its time: that of its first attempt or of a retry.
pub async fn make_due(conn: &mut AsyncPgConnection, id: MessageId) -> Result<(MadeDue, WakeUps), Error> {
    let statement = MakeDue { id: id.0, lifetime: PhantomData };
    let (made_due, state, blocked_by): (bool, Option<String>, Option<String>) = statement.get_result(conn).await?;
    if made_due {
        let wake_ups = blocked_by.map_or_else(WakeUps::due_now, |limit| WakeUps::at_limits([limit]));
        return Ok((MadeDue::Yes, wake_ups));
    }
    let found = match state {
        // What was pending a moment ago, when the statement began to look, was leased meanwhile.
        Some(state) if state == MessageState::Pending.as_str() => MadeDue::No(MessageState::Active),
        Some(state) => MadeDue::No(MessageState::from_label(&state)),
        None => MadeDue::Unknown,
    };
    Ok((found, WakeUps::default()))
}
