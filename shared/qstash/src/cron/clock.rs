//! From times of day to moments, in a time zone whose clocks change.
//!
//! Two rules, see [`Cron`](super::Cron). Fixed times map to moments one by one, and a later time
//! never to an earlier moment, so the search is one for times of day. An interval follows the
//! clock as it runs: between two changes it is a plain addition, so the search goes from change
//! to change.

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
            // The clock shows this time for the second time.
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
            // If the clock was set back just now, it has shown later times than it shows.
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

/// When a fixed time fires.
fn firing_at(zone: &TimeZone, time: DateTime) -> Option<Timestamp> {
    match zone.to_ambiguous_timestamp(time).offset() {
        AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
            offset.to_timestamp(time).ok()
        }
        // By the clock that applies after the gap, the time lies before it.
        AmbiguousOffset::Gap { after, .. } => {
            zone.following(after.to_timestamp(time).ok()?).next().map(|change| change.timestamp())
        }
    }
}

/// The last change of the clock not after a moment.
fn change_until(zone: &TimeZone, moment: Timestamp) -> Option<Timestamp> {
    let just_after = moment.checked_add(SignedDuration::from_nanos(1)).ok()?;
    zone.preceding(just_after).next().map(|change| change.timestamp())
}

/// What the clock showed last before it changed.
fn before(zone: &TimeZone, change: Timestamp) -> DateTime {
    let last = change.checked_sub(SECOND).unwrap_or(change);
    wall(zone.to_offset(last), last)
}

/// What a clock shows, in whole seconds.
fn wall(offset: Offset, moment: Timestamp) -> DateTime {
    let shown = offset.to_datetime(moment);
    shown.date().at(shown.hour(), shown.minute(), shown.second(), 0)
}
