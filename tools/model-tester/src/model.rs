//! The model of the limits: whether a message could have started at a moment.

use std::collections::{HashMap, HashSet};

use crate::history::{Attempt, History, Message, Slot, Version};

/// From the end of a delivery, or of a period, until its slot can be used: a commit and a claim.
const HANDOVER: f64 = 0.03;
/// Around a change of a limit's settings nothing is judged: it counts from its commit on.
const CHANGING: (f64, f64) = (0.02, 0.15);
/// So near to the end of a period a start may belong to either: starts are logged some moments after they are counted.
const BOUNDARY: f64 = 0.02;

/// The limits over time.
pub(crate) struct Model<'a> {
    history: &'a History,
    /// Attempts at each key, by start, with the message.
    attempts: HashMap<&'a str, Vec<(Attempt, &'a str)>>,
    periods: HashMap<&'a str, Vec<Period>>,
    by_id: HashMap<&'a str, &'a Message>,
}

/// A period of a rate, which begins with its first start.
#[derive(Debug)]
pub(crate) struct Period {
    pub(crate) starts: Vec<f64>,
    pub(crate) length: f64,
    /// The rate; twice that where its first starts may belong to the period before.
    pub(crate) most: i32,
    /// Settings changed meanwhile.
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
        let mut model = Self { history, attempts, periods: HashMap::new(), by_id };
        model.periods = model.attempts.keys().map(|limit| (*limit, model.periods_of(limit))).collect();
        model
    }

    fn versions(&self, limit: &str) -> &'a [Version] {
        self.history.versions.get(limit).map_or(&[], Vec::as_slice)
    }

    fn version_at(&self, limit: &str, time: f64) -> Option<&'a Version> {
        self.versions(limit).iter().rev().find(|version| version.at <= time).filter(|version| !version.deleted)
    }

    /// Whether the settings of the limit change near this moment.
    pub(crate) fn changes(&self, limit: &str, time: f64) -> bool {
        self.versions(limit).iter().any(|version| version.at - CHANGING.0 <= time && time <= version.at + CHANGING.1)
    }

    /// The most attempts, or families of a queue, at once around this moment. `None` for no bound.
    pub(crate) fn parallelism(&self, limit: &str, time: f64) -> Option<i32> {
        self.version_at(limit, time)?.parallelism
    }

    pub(crate) fn periods(&self) -> impl Iterator<Item = (&'a str, &Period)> {
        self.periods.iter().flat_map(|(limit, periods)| periods.iter().map(|period| (*limit, period)))
    }

    /// Attempts of other messages at this key that may hold a slot at this moment: a little longer than they last, and
    /// after a lost lease until the message is claimed again.
    fn attempts_that_may_hold(&self, limit: &str, time: f64, except: &str) -> i32 {
        self.count_attempts(limit, except, |attempt, message| {
            let end = attempt.end.or_else(|| self.claimed_again(attempt, message)).unwrap_or(f64::INFINITY);
            attempt.start <= time && time < end + HANDOVER
        })
    }

    /// Attempts of other messages at this key that hold a slot at this moment for certain.
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

    fn periods_of(&self, limit: &str) -> Vec<Period> {
        let mut moments: Vec<(f64, bool)> =
            self.attempts[limit].iter().map(|(attempt, _)| (attempt.start, true)).collect();
        moments.extend(self.versions(limit).iter().filter(|version| version.reset).map(|version| (version.at, false)));
        moments.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut periods: Vec<Period> = Vec::new();
        let mut open = false;
        for (at, is_start) in moments {
            if !is_start {
                open = false;
                continue;
            }
            // Without a rate starts are not counted; what was counted before stays.
            let Some((rate, seconds)) = self.version_at(limit, at).and_then(|version| version.rate) else { continue };
            let length = f64::from(seconds);
            let last_began = periods.last().filter(|_| open).and_then(|period| period.starts.first().copied());
            match last_began.filter(|began| at < began + length - BOUNDARY) {
                Some(_) => {}
                None => {
                    let ambiguous = last_began.is_some_and(|began| at < began + length + BOUNDARY);
                    let most = if ambiguous { 2 * rate } else { rate };
                    periods.push(Period { starts: Vec::new(), length, most, changed: false });
                    open = true;
                }
            }
            if let Some(period) = periods.last_mut() {
                period.starts.push(at);
                period.length = length;
                period.most = period.most.max(rate);
                let began = period.starts[0];
                period.changed |=
                    self.versions(limit).iter().any(|version| version.at >= began - CHANGING.1 && version.at <= at);
            }
        }
        periods
    }

    /// Why the message cannot start at this moment; `None` when it can. `first`: it has not started yet.
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
                let periods = self.periods.get(&limit[..]).map_or(&[][..], Vec::as_slice);
                let current = periods.iter().rev().find(|period| period.starts[0] <= time);
                let forgotten = |began: f64| {
                    self.versions(limit).iter().any(|version| version.reset && version.at > began && version.at <= time)
                };
                if let Some(period) = current.filter(|period| !forgotten(period.starts[0])) {
                    let started = period.starts.iter().filter(|at| **at <= time).count();
                    let ends = period.starts[0] + f64::from(seconds) + BOUNDARY;
                    if time < ends && i32::try_from(started).unwrap_or(i32::MAX) >= rate {
                        return Some(format!("{limit} has started {started}"));
                    }
                }
            }
        }
        None
    }

    /// Other families that hold a slot of the queue at this moment, or held it this long ago: it was taken, and a
    /// message of theirs is open.
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

    /// When the message took its slot of its queue; `None` for one that has not, or has its slot from its family.
    pub(crate) fn slot_taken_at(&self, message: &Message) -> Option<f64> {
        let queue = message.queue()?;
        let own = |slot: &&Slot| slot.queue == *queue && slot.message == message.id && slot.family == message.id;
        self.history.slots.iter().find(own).map(|slot| slot.at)
    }
}
