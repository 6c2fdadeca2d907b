//! Model of the limits: whether a message could have started at a given time.

use std::collections::{HashMap, HashSet};

use crate::history::{Attempt, Count, History, Message, Slot, Version};

/// Time from the end of a delivery or period until the slot can be used: a commit and a claim.
const HANDOVER: f64 = 0.03;
/// Time around a change of a limit's settings that is not checked: a change takes effect at its commit.
const CHANGING: (f64, f64) = (0.02, 0.15);

/// The limits over time.
pub(crate) struct Model<'a> {
    history: &'a History,
    /// Attempts at each key, by start, with the message.
    attempts: HashMap<&'a str, Vec<(Attempt, &'a str)>>,
    by_id: HashMap<&'a str, &'a Message>,
}

/// Period of a rate. It begins with its first start.
#[derive(Debug)]
pub(crate) struct Period {
    pub(crate) began: f64,
    /// End of the period, unless the count was reset before.
    pub(crate) ends: f64,
    pub(crate) starts: i32,
    pub(crate) most: i32,
    /// Whether settings changed during the period.
    pub(crate) changed: bool,
}

impl<'a> Model<'a> {
    pub(crate) fn new(history: &'a History) -> Self {
        let mut attempts: HashMap<&str, Vec<(Attempt, &str)>> = HashMap::new();
        for message in &history.messages {
            for limit in message.limits.iter().filter(|limit| limit.starts_with("flow:")) {
                let of_limit = attempts.entry(limit).or_default();
                of_limit.extend(message.attempts.iter().map(|attempt| (*attempt, &message.id[..])));
            }
        }
        attempts.values_mut().for_each(|of_limit| of_limit.sort_by(|a, b| a.0.start.total_cmp(&b.0.start)));
        let by_id = history.messages.iter().map(|message| (&message.id[..], message)).collect();
        Self { history, attempts, by_id }
    }

    fn versions(&self, limit: &str) -> &'a [Version] {
        self.history.versions.get(limit).map_or(&[], Vec::as_slice)
    }

    fn version_at(&self, limit: &str, time: f64) -> Option<&'a Version> {
        self.versions(limit).iter().rev().find(|version| version.at <= time).filter(|version| !version.deleted)
    }

    /// Whether the settings of the limit change near this time.
    pub(crate) fn changes(&self, limit: &str, time: f64) -> bool {
        self.versions(limit).iter().any(|version| version.at - CHANGING.0 <= time && time <= version.at + CHANGING.1)
    }

    /// Returns the maximum parallelism around this time, in attempts or, for a queue, families. `None` means no limit.
    pub(crate) fn parallelism(&self, limit: &str, time: f64) -> Option<i32> {
        self.version_at(limit, time)?.parallelism
    }

    fn counts(&self, limit: &str) -> &'a [Count] {
        self.history.counts.get(limit).map_or(&[], Vec::as_slice)
    }

    /// Returns the keys with a rate.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &'a str> {
        self.history.counts.keys().map(|limit| &limit[..])
    }

    /// Returns the periods of a key in order.
    pub(crate) fn periods(&self, key: &str) -> Vec<Period> {
        let mut periods: Vec<Period> = Vec::new();
        for count in self.counts(key) {
            if periods.last().is_none_or(|period| period.began != count.began) && count.starts > 0 {
                let began = count.began;
                periods.push(Period { began, ends: f64::INFINITY, starts: 0, most: 0, changed: false });
            }
            let rate = self.version_at(key, count.at).and_then(|version| version.rate);
            if let (Some(period), Some((rate, seconds))) = (periods.last_mut(), rate) {
                period.starts = period.starts.max(count.starts);
                period.most = period.most.max(rate);
                period.ends = period.began + f64::from(seconds);
                period.changed |=
                    self.versions(key).iter().any(|to| to.at >= period.began - CHANGING.1 && to.at <= count.at);
            }
        }
        periods
    }

    /// Returns the counted and the actual starts of a key. `None` if it had no rate at some time.
    pub(crate) fn counted_and_started(&self, key: &str) -> Option<(i32, i32)> {
        if self.versions(key).iter().any(|version| version.rate.is_none()) {
            return None;
        }
        let (mut counted, mut before) = (0, Count { at: 0.0, began: 0.0, starts: 0 });
        for count in self.counts(key) {
            counted += if count.began == before.began { (count.starts - before.starts).max(0) } else { count.starts };
            before = *count;
        }
        let started = self.attempts.get(key).map_or(0, Vec::len);
        Some((counted, i32::try_from(started).unwrap_or(i32::MAX)))
    }

    /// Whether the settings change or the count is reset between these times.
    pub(crate) fn changes_between(&self, limit: &str, from: f64, until: f64) -> bool {
        self.versions(limit).iter().any(|version| from - CHANGING.0 <= version.at && version.at <= until + CHANGING.1)
    }

    /// Returns attempts of other messages that may hold a slot of this key at this time: until slightly after their end,
    /// and after an expired lease until the next claim of the message.
    fn attempts_that_may_hold(&self, limit: &str, time: f64, except: &str) -> i32 {
        self.count_attempts(limit, except, |attempt, message| {
            let end = attempt.end.or_else(|| self.claimed_again(attempt, message)).unwrap_or(f64::INFINITY);
            attempt.start <= time && time < end + HANDOVER
        })
    }

    /// Returns attempts of other messages that certainly hold a slot of this key at this time.
    pub(crate) fn attempts_that_hold(&self, limit: &str, time: f64, except: &str) -> i32 {
        self.count_attempts(limit, except, |attempt, _| {
            attempt.start <= time && attempt.end.is_some_and(|end| time < end)
        })
    }

    fn count_attempts(&self, limit: &str, except: &str, holds: impl Fn(&Attempt, &str) -> bool) -> i32 {
        let of_limit = self.attempts.get(limit).map_or(&[][..], Vec::as_slice);
        let count = of_limit.iter().filter(|(attempt, message)| *message != except && holds(attempt, message)).count();
        i32::try_from(count).unwrap_or(i32::MAX)
    }

    fn claimed_again(&self, attempt: &Attempt, message: &str) -> Option<f64> {
        let message = self.by_id.get(message)?;
        let later = message.attempts.iter().map(|other| other.start).find(|start| *start > attempt.start);
        later.or(message.finished)
    }

    /// Returns why the message cannot start at this time, or `None` if it can. `first`: it has not started before.
    pub(crate) fn blocked(&self, message: &Message, time: f64, first: bool) -> Option<String> {
        for limit in &message.limits {
            if self.changes(limit, time) {
                return Some(format!("{limit} changes"));
            }
            let Some(version) = self.version_at(limit, time) else { continue };
            if version.paused {
                return Some(format!("{limit} is paused"));
            }
            if limit.starts_with("queue:") {
                if first && self.families_in(limit, message, time, HANDOVER) >= version.parallelism.unwrap_or(i32::MAX)
                {
                    return Some(format!("{limit} is full"));
                }
                continue;
            }
            let attempts = self.attempts_that_may_hold(limit, time, &message.id);
            if version.parallelism.is_some_and(|parallelism| attempts >= parallelism) {
                return Some(format!("{limit} is full"));
            }
            if let Some((rate, seconds)) = version.rate {
                let last = self.counts(limit).iter().rev().find(|count| count.at <= time);
                if let Some(count) = last.filter(|count| count.starts >= rate)
                    && time < count.began + f64::from(seconds) + HANDOVER
                {
                    return Some(format!("{limit} has started {}", count.starts));
                }
            }
        }
        None
    }

    /// Returns other families that hold a slot of the queue at this time, or held it this long ago: they acquired it, and
    /// one of their messages is pending.
    pub(crate) fn families_in(&self, queue: &str, except: &Message, time: f64, slack: f64) -> i32 {
        let own = except.callback_of.as_deref().unwrap_or(&except.id);
        let deleted_since = |at: f64| {
            self.versions(queue).iter().any(|version| version.deleted && version.at >= at && version.at <= time)
        };
        let holds = |slot: &&Slot| {
            slot.queue == queue
                && slot.at < time
                && slot.family != own
                && slot.message != except.id
                && self.by_id.get(&slot.message[..]).is_some_and(|message| message.is_open_at(time - slack))
                && !deleted_since(slot.at)
        };
        let families: HashSet<&str> = self.history.slots.iter().filter(holds).map(|slot| &slot.family[..]).collect();
        i32::try_from(families.len()).unwrap_or(i32::MAX)
    }

    /// Returns when the message acquired its queue slot. `None` if it has none, or uses the slot of its family.
    pub(crate) fn slot_taken_at(&self, message: &Message) -> Option<f64> {
        let queue = message.queue()?;
        let own = |slot: &&Slot| slot.queue == *queue && slot.message == message.id && slot.family == message.id;
        self.history.slots.iter().find(own).map(|slot| slot.at)
    }
}
