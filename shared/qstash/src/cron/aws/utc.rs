//! The minutes of every hour in UTC.

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

/// 2025 and 2100: no schedule fires before, and time zone rules do not reach further.
const FROM: Timestamp = Timestamp::constant(1_735_689_600, 0);
const UNTIL: Timestamp = Timestamp::constant(4_102_444_800, 0);

/// Returns the minutes that UTC shows when a clock of the zone shows `minutes`, if they are always the same: where
/// clocks change by half an hour, as on Lord Howe Island, they may not be.
pub(super) fn minutes(minutes: u64, zone: &TimeZone) -> Option<u64> {
    let by_utc = by_utc(minutes, zone.to_offset(FROM));
    let mut changes = zone.following(FROM).take_while(|change| change.timestamp() < UNTIL);
    changes.all(|change| self::by_utc(minutes, change.offset()) == by_utc).then_some(by_utc)
}

fn by_utc(minutes: u64, offset: Offset) -> u64 {
    // No zone has seconds in its offset today.
    let ahead = (offset.seconds() / 60).rem_euclid(60);
    (0..60).filter(|minute| minutes >> ((minute + ahead) % 60) & 1 == 1).fold(0, |set, minute| set | 1 << minute)
}
