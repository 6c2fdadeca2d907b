//! Converts times of day to moments, in a time zone with clock changes.
//!
//! There are two rules, see [`Cron`](super::Cron). Fixed times map to moments one by one, in ascending order, so the
//! search runs over times of day. An interval follows the clock: between two changes the mapping is a plain addition,
//! so the search goes from change to change.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::calendar::Calendar;

const SECOND: SignedDuration = SignedDuration::from_secs(1);

pub(super) fn next_after(calendar: &Calendar, zone: &TimeZone, moment: Timestamp) -> Option<Timestamp> {
    let mut from = wall(zone.to_offset(moment), moment).checked_add(SECOND).ok()?;
    if calendar.is_fixed {
        loop {
            let found = calendar.first_from(from)?;
            let firing = firing_at(zone, found)?;
            if firing > moment {
                return Some(firing);
            }
            // The clock shows this time in its second pass.
            from = found.checked_add(SECOND).ok()?;
        }
    }
    let mut start = moment;
    loop {
        let firing = zone.to_offset(start).to_timestamp(calendar.first_from(from)?).ok()?;
        match zone.following(start).next().map(|change| change.timestamp()) {
            Some(change) if change <= firing => {
                start = change;
                from = wall(zone.to_offset(change), change);
            }
            _ => return Some(firing),
        }
    }
}

pub(super) fn latest_between(
    calendar: &Calendar,
    zone: &TimeZone,
    after: Timestamp,
    until: Timestamp,
) -> Option<Timestamp> {
    let mut end = until;
    loop {
        if end <= after {
            return None;
        }
        let change = change_until(zone, end);
        let offset = zone.to_offset(end);
        let firing = if calendar.is_fixed {
            // If the clock was just set back, it has already shown later times.
            let shown_before = change.map(|change| before(zone, change));
            firing_at(zone, calendar.last_until(wall(offset, end).max(shown_before.unwrap_or(DateTime::MIN)))?)?
        } else {
            let firing = offset.to_timestamp(calendar.last_until(wall(offset, end))?).ok()?;
            if let Some(change) = change.filter(|change| firing < *change) {
                end = change.checked_sub(SECOND).ok()?;
                continue;
            }
            firing
        };
        return Some(firing).filter(|firing| *firing > after);
    }
}

/// Returns the moment at which a fixed time fires.
fn firing_at(zone: &TimeZone, time: DateTime) -> Option<Timestamp> {
    match zone.to_ambiguous_timestamp(time).offset() {
        AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
            offset.to_timestamp(time).ok()
        }
        // By the offset that applies after the gap, the time lies before it.
        AmbiguousOffset::Gap { after, .. } => {
            zone.following(after.to_timestamp(time).ok()?).next().map(|change| change.timestamp())
        }
    }
}

/// Returns the last clock change not after a moment.
fn change_until(zone: &TimeZone, moment: Timestamp) -> Option<Timestamp> {
    let just_after = moment.checked_add(SignedDuration::from_nanos(1)).ok()?;
    zone.preceding(just_after).next().map(|change| change.timestamp())
}

/// Returns the last time that the clock showed before a change.
fn before(zone: &TimeZone, change: Timestamp) -> DateTime {
    let last = change.checked_sub(SECOND).unwrap_or(change);
    wall(zone.to_offset(last), last)
}

/// Returns the local time in whole seconds.
fn wall(offset: Offset, moment: Timestamp) -> DateTime {
    let shown = offset.to_datetime(moment);
    shown.date().at(shown.hour(), shown.minute(), shown.second(), 0)
}
