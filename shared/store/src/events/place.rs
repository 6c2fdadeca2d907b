//! The position of an event in the log: its time, its step, and its message.

use std::marker::PhantomData;

use diesel::sql_types::{BigInt, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use jiff::Timestamp;
use sigpost_qstash::{Cursor, EventState};
use uuid::Uuid;

use crate::Error;

/// A position in the order of events: by time, then step, then message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Microseconds since 1970.
    pub(super) at_us: i64,
    /// 0 accepted, 1 started, 2 ended, 3 consequence of the end, 4 the accept of a callback, which is in the same
    /// transaction. For a row of `past_events` its number and [`PAST`].
    pub(super) step: i64,
    pub(super) message_id: Uuid,
    pub(super) state: EventState,
}

/// The position after which a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Start {
    pub(super) at_us: i64,
    pub(super) step: i64,
    pub(super) message_id: Uuid,
}

/// Greater than any step of derived events.
const PAST: i64 = 8;

/// Marks the number of a derived event; see `event_id()` in the migration.
const DERIVED: i64 = 1 << 62;

impl Place {
    pub(super) fn at(&self) -> Timestamp {
        Timestamp::from_microsecond(self.at_us).unwrap_or_default()
    }

    /// Returns the number that identifies the event within its millisecond.
    pub(super) fn number(&self) -> i64 {
        if self.step >= PAST {
            return self.step - PAST;
        }
        DERIVED | self.at_us.rem_euclid(1000) << 51 | self.step << 48 | end_of(self.message_id)
    }

    pub(super) fn cursor(&self) -> Cursor {
        Cursor { at_ms: self.at_us.div_euclid(1000), seq: Some(self.number()) }
    }
}

/// Returns the last 48 bits.
fn end_of(id: Uuid) -> i64 {
    i64::try_from(id.as_u128() & ((1 << 48) - 1)).unwrap_or_default()
}

statement! {
    /// Selects the messages with an event at this time, which may be as many as in a batch.
    At { at_us: i64 => BigInt, step: i64 => BigInt } -> SqlUuid;
    file "at.sql"
}

statement! {
    /// Selects the time of a row in microseconds, and its message.
    Past { at_ms: i64 => BigInt, id: i64 => BigInt } -> (BigInt, SqlUuid);
    "select (extract(epoch from at) * 1000000)::bigint, message_id
     from past_events, (select timestamptz 'epoch' + " {at_ms} " * interval '1 millisecond' as of) ms
     where at >= ms.of and at < ms.of + interval '1 millisecond' and id = " {id}
}

impl Start {
    /// Returns the position of a cursor's event. A bare time, or an event that no longer exists, means the edge of
    /// its time.
    pub(super) async fn find(
        conn: &mut AsyncPgConnection,
        cursor: Cursor,
        earliest_first: bool,
    ) -> Result<Self, Error> {
        let at_us = cursor.at_ms.saturating_mul(1000);
        let (before_all, after_all) = (Uuid::nil(), Uuid::max());
        let Some(seq) = cursor.seq else {
            // Newest first, the page includes the whole millisecond.
            let at_us = if earliest_first { at_us } else { at_us.saturating_add(1000) };
            return Ok(Self { at_us, step: -1, message_id: before_all });
        };
        if seq & DERIVED == 0 {
            let found: Vec<(i64, Uuid)> =
                Past { at_ms: cursor.at_ms, id: seq, lifetime: PhantomData }.load(conn).await?;
            let (at_us, message_id) = found.into_iter().next().unwrap_or((at_us, before_all));
            return Ok(Self { at_us, step: seq.saturating_add(PAST), message_id });
        }
        let at_us = at_us.saturating_add(((seq & !DERIVED) >> 51) % 1000);
        let step = seq >> 48 & (PAST - 1);
        let of_moment: Vec<Uuid> = At { at_us, step, lifetime: PhantomData }.load(conn).await?;
        let gone = if earliest_first { after_all } else { before_all };
        let message_id = of_moment.into_iter().find(|id| end_of(*id) == seq & ((1 << 48) - 1)).unwrap_or(gone);
        Ok(Self { at_us, step, message_id })
    }
}

/// A row of the query for positions.
pub(super) type Row = (i64, i64, Uuid, String);
/// The SQL types of the row.
pub(super) type RowColumns = (BigInt, BigInt, SqlUuid, Text);

impl From<Row> for Place {
    fn from((at_us, step, message_id, state): Row) -> Self {
        Self { at_us, step, message_id, state: state.parse().unwrap_or(EventState::Error) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_has_the_microseconds_the_step_and_the_end_of_the_id() {
        let message_id = Uuid::from_u128(0x0199_0000_0000_7000_8000_abcd_ef01_2345);
        let place = Place { at_us: 1_763_800_000_123_456, step: 2, message_id, state: EventState::Delivered };
        assert_eq!(place.number(), 1 << 62 | 456 << 51 | 2 << 48 | 0xabcd_ef01_2345);
        assert_eq!(Place { step: 25, ..place }.cursor(), Cursor { at_ms: 1_763_800_000_123, seq: Some(17) });
    }
}
