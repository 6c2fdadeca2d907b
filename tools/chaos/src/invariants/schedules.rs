//! Schedules fire once per due time: all of them with catch-up `all`, at most once otherwise.

use std::collections::BTreeMap;

use super::Violation;
use crate::history::{History, Schedule};

pub(super) fn check(history: &History) -> Vec<Violation> {
    let mut stored: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (id, message) in &history.messages {
        if let Some(schedule) = &message.schedule {
            stored.entry(schedule).or_default().push(id);
        }
    }
    let mut violations = Vec::new();
    for schedule in &history.schedules {
        let stored = stored.remove(schedule.id.as_str()).unwrap_or_default();
        let problems = problems(schedule, &stored).into_iter();
        violations
            .extend(problems.map(|problem| Violation::new("schedule", None, format!("{}: {problem}", schedule.id))));
    }
    violations
}

fn problems(schedule: &Schedule, stored: &[&str]) -> Vec<String> {
    let mut problems: Vec<String> = schedule.error.iter().map(|error| format!("error: {error}")).collect();
    // Milliseconds, because due times are whole ones.
    let mut found: BTreeMap<i64, usize> = BTreeMap::new();
    for (at, id) in &schedule.firings {
        *found.entry((at * 1000.0).round() as i64).or_default() += usize::from(stored.contains(&id.as_str()));
    }
    let due = due_times(schedule);
    for time in &due {
        match found.remove(time) {
            Some(0) => problems.push(format!("the message of the firing at {time} is missing")),
            None if schedule.catch_up == "all" => problems.push(format!("no firing at {time}")),
            _ => {}
        }
    }
    problems.extend(found.into_keys().map(|time| format!("a firing at {time}, which is not due")));
    if stored.len() != schedule.firings.len() {
        problems.push(format!("{} messages for {} firings", stored.len(), schedule.firings.len()));
    }
    problems
}

/// From the creation to the last firing, in milliseconds.
fn due_times(schedule: &Schedule) -> Vec<i64> {
    let Some(last) = schedule.last_firing else { return Vec::new() };
    let period = schedule.period;
    let first = (schedule.created / period as f64).floor() as i64 + 1;
    let last = (last / period as f64).round() as i64;
    (first..=last).map(|number| number * period * 1000).collect()
}

#[cfg(test)]
mod tests {
    use super::super::sample::{add_delivered, kinds};
    use super::check;
    use crate::history::{History, Schedule};

    /// Every 2 s, created at 99, with firings at these times.
    fn fired(catch_up: &str, firings: &[f64]) -> History {
        let mut history = History::default();
        let mut schedule = Schedule {
            id: "made".to_owned(),
            catch_up: catch_up.to_owned(),
            period: 2,
            created: 99.0,
            last_firing: firings.last().copied(),
            ..Schedule::default()
        };
        for (number, at) in firings.iter().enumerate() {
            let id = format!("msg_{number}");
            add_delivered(&mut history, &id, *at);
            history.messages.get_mut(&id).expect("sample").schedule = Some("made".to_owned());
            schedule.firings.push((*at, id));
        }
        history.schedules = vec![schedule];
        history
    }

    #[test]
    fn every_due_time_once_is_no_violation() {
        assert_eq!(check(&fired("all", &[100.0, 102.0, 104.0])), []);
        assert_eq!(check(&fired("last", &[100.0, 104.0])), []);
    }

    #[test]
    fn missed_firing_is_a_violation_where_all_are_published() {
        assert_eq!(kinds(&check(&fired("all", &[100.0, 104.0]))), ["schedule"]);
    }

    #[test]
    fn firing_that_is_not_due_is_a_violation() {
        assert_eq!(kinds(&check(&fired("last", &[100.0, 101.0, 104.0]))), ["schedule"]);
    }

    #[test]
    fn second_message_of_a_firing_is_a_violation() {
        let mut history = fired("all", &[100.0, 102.0]);
        let copy = history.messages["msg_0"].clone();
        history.messages.insert("msg_copy".to_owned(), copy);
        assert_eq!(kinds(&check(&history)), ["schedule"]);
    }

    #[test]
    fn firing_without_its_message_is_a_violation() {
        let mut history = fired("all", &[100.0, 102.0]);
        history.messages.remove("msg_1");
        assert_eq!(kinds(&check(&history)), ["schedule", "schedule"]);
    }
}
