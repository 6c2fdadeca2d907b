//! One line of the report: a figure, its ratio to another one, and its goal.

use serde::Serialize;

use crate::part::Part;
use crate::progress::grouped;
use crate::series::Series;

/// Unit of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unit {
    PerSecond,
    PerHour,
    Milliseconds,
    Seconds,
    Megabytes,
    Bytes,
    Count,
}

/// A figure over all runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Row {
    /// `None` for a limit of the machine, which is measured with every part.
    pub(crate) part: Option<Part>,
    /// A stable name for scripts, by which a goal finds its row.
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) unit: Unit,
    pub(crate) value: Series,
    pub(crate) ratio: Option<Ratio>,
    pub(crate) goal: Option<Goal>,
    /// Peak memory of `serve` in any run, in millions of bytes.
    pub(crate) serve_peak_mb: Option<f64>,
    pub(crate) remark: String,
}

/// Ratio of a figure to another one of the same run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Ratio {
    /// The other figure.
    pub(crate) of: &'static str,
    pub(crate) runs: Series,
}

impl Unit {
    /// A value with its unit.
    pub(crate) fn show(self, value: f64) -> String {
        match self {
            Self::PerSecond => format!("{}/s", grouped(value)),
            Self::PerHour => format!("{}/h", grouped(value)),
            Self::Milliseconds => format!("{value:.2} ms"),
            Self::Seconds => format!("{value:.3} s"),
            Self::Megabytes => format!("{value:.1} MB"),
            Self::Bytes => format!("{} B", grouped(value)),
            Self::Count => format!("{value:.2}"),
        }
    }
}

impl Row {
    /// A row without a ratio.
    pub(crate) fn new(part: Part, name: &str, title: &str, unit: Unit, value: &Series) -> Self {
        Self { part: Some(part), ..Self::limit(name, title, unit, value) }
    }

    /// A limit of the machine.
    pub(crate) fn limit(name: &str, title: &str, unit: Unit, value: &Series) -> Self {
        Self {
            part: None,
            name: name.to_owned(),
            title: title.to_owned(),
            unit,
            value: value.clone(),
            ratio: None,
            goal: None,
            serve_peak_mb: None,
            remark: String::new(),
        }
    }

    /// Adds the ratio to another figure, run by run.
    pub(crate) fn beside(mut self, of: &'static str, other: &Series) -> Self {
        let runs = self.value.ratios_to(other);
        self.ratio = (!runs.runs().is_empty()).then_some(Ratio { of, runs });
        self
    }

    /// Adds the peak of the memory of `serve`.
    pub(crate) fn with_peak(mut self, peak_mb: &Series) -> Self {
        self.serve_peak_mb = Some(peak_mb.max());
        self
    }

    /// Adds a remark.
    pub(crate) fn with_remark(mut self, remark: impl Into<String>) -> Self {
        self.remark = remark.into();
        self
    }
}

/// A figure with its bound.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Goal {
    /// The figure that is compared: the value of the row, or its ratio.
    pub(crate) figure: f64,
    /// Such as `< 3.00 ms` or `>= 60 %`.
    pub(crate) bound: String,
    pub(crate) pass: bool,
}
