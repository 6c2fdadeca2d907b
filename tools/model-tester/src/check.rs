//! Compares the history of a scenario with the model.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::history::{History, Message};
use crate::model::Model;
use crate::scenario::Happened;

/// A message that could have started for longer than this is late.
const LATE: f64 = 0.5;
/// Interval between the moments at which the model is evaluated.
const STEP: f64 = 0.01;

/// Difference from the model.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) kind: &'static str,
    /// Name of the message or the limit.
    pub(crate) subject: String,
    /// Start of the violation, in seconds since 1970.
    pub(crate) at: f64,
    pub(crate) since: f64,
    pub(crate) details: Value,
}

pub(crate) fn check(history: &History, happened: &Happened, arrivals: &HashMap<String, Vec<f64>>) -> Vec<Finding> {
    let model = Model::new(history);
    let mut findings = Vec::new();
    for message in &history.messages {
        findings.extend(late(&model, message, happened));
        findings.extend(early(message, happened));
        findings.extend(sent_late(message, arrivals, happened));
        findings.extend(too_many_at_once(&model, message));
    }
    findings.extend(rates(&model));
    findings.extend(out_of_order(&model, history));
    findings
}

/// Returns the times in which a message was due and not in flight, and whether it had not started before.
fn waits(message: &Message, happened: &Happened) -> Vec<(f64, f64, bool)> {
    let open_until = message.finished.unwrap_or(happened.ended).min(happened.ended);
    let started_after = |time: f64| {
        let next = message.attempts.iter().map(|attempt| attempt.start).find(|start| *start > time);
        next.unwrap_or(open_until)
    };
    let due = |planned: f64, since: f64| {
        let made_due = happened.made_due.iter().filter(|(id, asked, _)| *id == message.wire_id && *asked > since);
        made_due.map(|(_, _, answered)| *answered).fold(planned, f64::min).max(since)
    };
    let mut waits = vec![(due(message.not_before, message.created), started_after(0.0), true)];
    waits.extend(message.retries.iter().map(|(ended, planned)| (due(*planned, *ended), started_after(*ended), false)));
    waits
}

fn late(model: &Model<'_>, message: &Message, happened: &Happened) -> Vec<Finding> {
    let excused = |time: f64| happened.outages.iter().any(|(from, until)| *from <= time && time <= *until);
    let mut findings = Vec::new();
    for (due, started, first) in waits(message, happened) {
        let (mut since, mut longest) = (None, (0.0, 0.0));
        let mut time = due + 0.02;
        while time < started - 0.02 {
            if excused(time) || model.blocked(message, time, first).is_some() {
                since = None;
            } else {
                let from = *since.get_or_insert(time);
                if time - from > longest.0 {
                    longest = (time - from, time);
                }
            }
            time += STEP;
        }
        if longest.0 > LATE {
            let details = json!({ "free_s": longest.0, "due": due - happened.began, "started": started - happened.began,
                                  "first": first, "limits": message.limits });
            findings.push(Finding {
                kind: "late",
                subject: message.name.clone(),
                at: longest.1,
                since: longest.1 - longest.0,
                details,
            });
        }
    }
    findings
}

fn early(message: &Message, happened: &Happened) -> Vec<Finding> {
    let made_due = |since: f64, until: f64| {
        happened
            .made_due
            .iter()
            .any(|(id, asked, _)| *id == message.wire_id && *asked >= since - 1.0 && *asked <= until)
    };
    let mut findings = Vec::new();
    let mut find = |kind, at: f64, planned: f64| {
        let details = json!({ "by_s": planned - at });
        findings.push(Finding { kind, subject: message.name.clone(), at, since: at, details });
    };
    if let Some(first) = message.attempts.first()
        && first.start < message.not_before - 0.001
    {
        find("early", first.start, message.not_before);
    }
    for (ended, planned) in &message.retries {
        let next = message.attempts.iter().map(|attempt| attempt.start).find(|start| start > ended);
        if let Some(start) = next.filter(|start| *start < planned - 0.001 && !made_due(*ended, *start)) {
            find("early retry", start, *planned);
        }
    }
    findings
}

/// A claimed message is sent immediately.
fn sent_late(message: &Message, arrivals: &HashMap<String, Vec<f64>>, happened: &Happened) -> Vec<Finding> {
    let arrived = arrivals.get(&message.wire_id).map_or(&[][..], Vec::as_slice);
    let excused = |start: f64| happened.outages.iter().any(|(from, until)| *from <= start + LATE && start <= *until);
    let cancelled = |end: Option<f64>, start: f64| end.is_none_or(|end| end - start < 0.1);
    let late = message.attempts.iter().filter(|attempt| {
        !cancelled(attempt.end, attempt.start)
            && !excused(attempt.start)
            && !arrived.iter().any(|at| *at > attempt.start - 0.05 && *at < attempt.start + LATE)
    });
    late.map(|attempt| Finding {
        kind: "sent late",
        subject: message.name.clone(),
        at: attempt.start + LATE,
        since: attempt.start,
        details: json!({ "arrivals": arrived.iter().map(|at| at - happened.began).collect::<Vec<f64>>() }),
    })
    .collect()
}

fn too_many_at_once(model: &Model<'_>, message: &Message) -> Vec<Finding> {
    let at_keys = message.attempts.iter().flat_map(|attempt| {
        let keys = message.limits.iter().filter(|limit| limit.starts_with("flow:"));
        keys.map(|limit| (limit, attempt.start, model.attempts_that_hold(limit, attempt.start, &message.id)))
    });
    let in_queue = message.queue().zip(model.slot_taken_at(message));
    let in_queue = in_queue.map(|(queue, at)| (queue, at, model.families_in(queue, message, at, 0.0)));
    let findings = at_keys.chain(in_queue).filter(|(limit, at, others)| {
        !model.changes(limit, *at) && model.parallelism(limit, *at).is_some_and(|most| *others >= most)
    });
    findings
        .map(|(limit, at, others)| Finding {
            kind: "too many at once",
            subject: limit.clone(),
            at,
            since: at,
            details: json!({ "others": others, "most": model.parallelism(limit, at), "message": message.name }),
        })
        .collect()
}

/// Every start is counted within the rate, and a period begins after the end of the period before.
fn rates(model: &Model<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for key in model.keys() {
        let mut find = |kind, at: f64, details| {
            findings.push(Finding { kind, subject: key.to_owned(), at, since: at, details });
        };
        let periods = model.periods(key);
        for period in periods.iter().filter(|period| !period.changed && period.starts > period.most) {
            find("too many in a period", period.began, json!({ "starts": period.starts, "most": period.most }));
        }
        for (before, period) in periods.iter().zip(periods.iter().skip(1)) {
            if period.began < before.ends && !model.changes_between(key, before.began, period.began) {
                find("a period before its time", period.began, json!({ "by_s": before.ends - period.began }));
            }
        }
        if let Some((counted, started)) = model.counted_and_started(key).filter(|(counted, started)| counted != started)
        {
            let first = periods.first().map_or(0.0, |period| period.began);
            find("starts not counted", first, json!({ "counted": counted, "started": started }));
        }
    }
    findings
}

/// Publishes within this time of one another may commit in the opposite order.
const SAME_TIME: f64 = 0.05;

/// In a queue whose parallelism was always 1, the older of two messages with the same priority starts first.
fn out_of_order(model: &Model<'_>, history: &History) -> Vec<Finding> {
    let mut findings = Vec::new();
    for message in history.messages.iter().filter(|message| message.callback_of.is_none()) {
        let (Some(queue), Some(attempt)) = (message.queue(), message.attempts.first()) else { continue };
        let narrow = history
            .versions
            .get(queue)
            .is_some_and(|versions| versions.iter().all(|version| version.parallelism == Some(1) && !version.deleted));
        let passed = |other: &&Message| {
            other.queue() == Some(queue)
                && other.callback_of.is_none()
                && other.priority == message.priority
                && other.created < message.created - SAME_TIME
                && other.is_open_at(attempt.start)
                && other.attempts.first().is_none_or(|first| first.start > attempt.start)
        };
        if let Some(other) =
            history.messages.iter().find(passed).filter(|_| narrow && !model.changes(queue, attempt.start))
        {
            let details = json!({ "before": other.name, "queue": queue });
            findings.push(Finding {
                kind: "out of order",
                subject: message.name.clone(),
                at: attempt.start,
                since: attempt.start,
                details,
            });
        }
    }
    findings
}
