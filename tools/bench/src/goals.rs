//! The goals. The benchmark prints whether each is met, and does not fail if one is not.

use crate::row::{Goal, Row};

/// A bound of one figure.
#[derive(Clone, Copy, Debug)]
enum Bound {
    /// Of the ratio, such as 0.6.
    RatioAtLeast(f64),
    /// Of the value, in the unit of its row.
    AtLeast(f64),
    AtMost(f64),
    Below(f64),
}

/// By the name of the row.
const GOALS: [(&str, Bound); 22] = [
    ("accepts-128", Bound::RatioAtLeast(0.9)),
    ("backlog", Bound::RatioAtLeast(0.9)),
    ("backlog-stored", Bound::Below(800.0)),
    ("backlog-wal", Bound::Below(1_600.0)),
    ("both", Bound::RatioAtLeast(0.9)),
    ("both-stored", Bound::Below(800.0)),
    ("both-wal", Bound::Below(1_600.0)),
    ("retained", Bound::RatioAtLeast(0.97)),
    ("large-backlog", Bound::RatioAtLeast(0.95)),
    ("key", Bound::RatioAtLeast(0.6)),
    ("tls-http1", Bound::RatioAtLeast(0.75)),
    ("tls-http2", Bound::RatioAtLeast(0.75)),
    ("slow", Bound::RatioAtLeast(0.9)),
    ("queue", Bound::AtLeast(1_000.0)),
    ("latency-p50", Bound::Below(1.6)),
    ("latency-p99", Bound::Below(2.5)),
    ("hanging-p99", Bound::Below(50.0)),
    ("schedules-published", Bound::Below(1.0)),
    ("memory", Bound::Below(35.0)),
    ("idle", Bound::AtMost(12.0)),
    ("handler", Bound::Below(2.0)),
    ("handler-statements", Bound::AtMost(3.0)),
];

impl Row {
    /// Compares the row with its goal, if it has one and the compared figure was measured.
    pub(crate) fn judged(mut self) -> Self {
        self.goal = of(&self);
        self
    }
}

/// The goal of a row. `None`: it has none, or its ratio was not measured.
fn of(row: &Row) -> Option<Goal> {
    let (_, bound) = GOALS.iter().find(|(name, _)| *name == row.name)?;
    let value = row.value.median();
    Some(match *bound {
        Bound::RatioAtLeast(least) => {
            let ratio = row.ratio.as_ref()?.runs.median();
            Goal { figure: ratio, bound: format!(">= {:.0} %", least * 100.0), pass: ratio >= least }
        }
        Bound::AtLeast(least) => {
            Goal { figure: value, bound: format!(">= {}", row.unit.show(least)), pass: value >= least }
        }
        Bound::AtMost(most) => {
            Goal { figure: value, bound: format!("<= {}", row.unit.show(most)), pass: value <= most }
        }
        Bound::Below(limit) => {
            Goal { figure: value, bound: format!("< {}", row.unit.show(limit)), pass: value < limit }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::part::Part;
    use crate::row::Unit;
    use crate::series::Series;

    #[test]
    fn goal_of_a_ratio_needs_the_other_figure() {
        let row = |name| Row::new(Part::Backlog, name, "", Unit::PerSecond, &Series::of(&[600.0, 500.0]));
        assert_eq!(row("backlog").judged().goal, None);
        let goal = row("backlog").beside("reference", &Series::of(&[1_000.0, 1_000.0])).judged().goal;
        assert_eq!(goal, Some(Goal { figure: 0.55, bound: ">= 90 %".to_owned(), pass: false }));
        assert_eq!(row("unknown").judged().goal, None);
    }

    #[test]
    fn goal_of_a_value_has_its_unit() {
        let row = Row::new(Part::Latency, "latency-p99", "", Unit::Milliseconds, &Series::of(&[15.0]));
        assert_eq!(of(&row), Some(Goal { figure: 15.0, bound: "< 2.50 ms".to_owned(), pass: false }));
    }
}
