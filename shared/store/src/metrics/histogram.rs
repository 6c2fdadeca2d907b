//! Histograms of durations.

use std::collections::BTreeMap;

/// Four buckets per doubling, as in `duration_bucket()` in the database.
const PER_DOUBLING: f64 = 4.0;

/// Counts of durations by bucket. Values derived from it are accurate to within 10 %.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    buckets: BTreeMap<i32, i64>,
    count: i64,
    total_ms: f64,
}

/// Durations in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Durations {
    /// The exact mean.
    pub average_ms: f64,
    /// Median, accurate to within 10 %, as the other percentiles.
    pub p50_ms: f64,
    /// 95th percentile.
    pub p95_ms: f64,
    /// 99th percentile.
    pub p99_ms: f64,
}

impl Histogram {
    /// Adds durations of this bucket and their sum.
    pub fn add(&mut self, bucket: i32, count: i64, total_ms: f64) {
        *self.buckets.entry(bucket).or_default() += count;
        self.count += count;
        self.total_ms += total_ms;
    }

    /// Adds another histogram.
    pub fn merge(&mut self, other: &Self) {
        for (bucket, count) in &other.buckets {
            *self.buckets.entry(*bucket).or_default() += count;
        }
        self.count += other.count;
        self.total_ms += other.total_ms;
    }

    /// Returns the statistics; `None` for an empty histogram.
    pub fn durations(&self) -> Option<Durations> {
        (self.count > 0).then(|| Durations {
            average_ms: self.total_ms / as_f64(self.count),
            p50_ms: self.percentile(0.5),
            p95_ms: self.percentile(0.95),
            p99_ms: self.percentile(0.99),
        })
    }

    /// Returns a percentile, with durations evenly distributed within a bucket on the scale of the buckets.
    fn percentile(&self, share: f64) -> f64 {
        let rank = share * as_f64(self.count);
        let mut before = 0;
        for (bucket, count) in &self.buckets {
            if as_f64(before + count) >= rank {
                let within = (rank - as_f64(before)) / as_f64(*count);
                return ((f64::from(*bucket) - 1.0 + within) / PER_DOUBLING).exp2();
            }
            before += count;
        }
        0.0
    }
}

#[expect(clippy::cast_precision_loss, reason = "fewer than 2^53 runs")]
fn as_f64(count: i64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::cast_possible_truncation, reason = "a small number")]
    fn bucket(ms: f64) -> i32 {
        (4.0 * ms.log2()).ceil() as i32
    }

    #[test]
    fn percentiles_are_right_to_within_a_tenth() {
        let mut histogram = Histogram::default();
        for ms in 1..=10_000 {
            histogram.add(bucket(f64::from(ms)), 1, f64::from(ms));
        }
        let durations = histogram.durations().expect("durations");
        assert!((durations.average_ms - 5000.5).abs() < 1e-6);
        for (found, exact) in [(durations.p50_ms, 5000.0), (durations.p95_ms, 9500.0), (durations.p99_ms, 9900.0)] {
            assert!((found / exact - 1.0).abs() < 0.1, "{found} instead of {exact}");
        }
    }

    #[test]
    fn merged_histograms_say_what_one_of_all_would() {
        let (mut all, mut one, mut other) = (Histogram::default(), Histogram::default(), Histogram::default());
        for ms in [3.0, 40.0, 500.0] {
            if ms < 10.0 { &mut one } else { &mut other }.add(bucket(ms), 1, ms);
            all.add(bucket(ms), 1, ms);
        }
        one.merge(&other);
        assert_eq!(one, all);
        assert_eq!(Histogram::default().durations(), None);
    }
}
