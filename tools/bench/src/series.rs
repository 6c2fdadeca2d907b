//! One figure over several runs, and its statistics.

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

/// Values of one figure, one per run.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Series(Vec<f64>);

impl Series {
    /// Adds the value of a run.
    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// Returns the values in the order of the runs.
    pub(crate) fn runs(&self) -> &[f64] {
        &self.0
    }

    /// Returns the median; for an even number, the mean of the two middle values. Zero without a run.
    pub(crate) fn median(&self) -> f64 {
        median(self.0.clone())
    }

    /// Returns the smallest value. Zero without a run.
    pub(crate) fn min(&self) -> f64 {
        self.0.iter().copied().reduce(f64::min).unwrap_or_default()
    }

    /// Returns the largest value. Zero without a run.
    pub(crate) fn max(&self) -> f64 {
        self.0.iter().copied().fold(0.0, f64::max)
    }

    /// The ratio of each run to the same run of the other figure: a change of the machine's speed between
    /// runs cancels out.
    pub(crate) fn ratios_to(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(one, other)| one / other).collect())
    }

    /// Returns the median of these ratios.
    pub(crate) fn ratio_to(&self, other: &Self) -> f64 {
        self.ratios_to(other).median()
    }

    /// A figure with these runs.
    pub(crate) fn of(runs: &[f64]) -> Self {
        Self(runs.to_vec())
    }
}

impl Serialize for Series {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Series", 2)?;
        fields.serialize_field("median", &self.median())?;
        fields.serialize_field("runs", &self.0)?;
        fields.end()
    }
}

/// Returns the percentile `share` of sorted values, by the nearest rank, so that it is a measured value. Zero without
/// a value.
pub(crate) fn percentile(sorted: &[f64], share: f64) -> f64 {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied().unwrap_or_default()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        count if count % 2 == 1 => values[count / 2],
        count => f64::midpoint(values[count / 2 - 1], values[count / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_does_not_care_about_one_bad_run() {
        assert_eq!(Series(vec![9.0, 1.0, 10.0]).median(), 9.0);
        assert_eq!(Series(vec![4.0, 2.0]).median(), 3.0);
        assert_eq!(Series(vec![]).median(), 0.0);
    }

    #[test]
    fn a_ratio_compares_runs_of_the_same_minute() {
        let slow_then_fast = Series(vec![50.0, 100.0, 100.0]);
        let limit = Series(vec![100.0, 200.0, 400.0]);
        assert_eq!(slow_then_fast.ratio_to(&limit), 0.5);
    }

    #[test]
    fn a_percentile_is_the_value_at_its_rank() {
        let values: Vec<f64> = (1..=400).map(f64::from).collect();
        assert_eq!([0.5, 0.99, 1.0].map(|share| percentile(&values, share)), [200.0, 396.0, 400.0]);
        assert_eq!(percentile(&[7.0], 0.01), 7.0);
        assert_eq!(percentile(&[], 0.5), 0.0);
    }
}
