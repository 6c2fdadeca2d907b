//! The thresholds of a deployment, and the readings that reach them.

use std::collections::BTreeMap;

use sigpost_qstash::Invalid;
use sigpost_runtime::settings::ALERT_RULES;
use sigpost_store::alerts::Severity;

use crate::checks::ALL;
use crate::{Check, Reading, Readings, Thresholds};

/// Thresholds of a deployment: the defaults of the checks, with the changes of `ALERT_RULES`.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    thresholds: BTreeMap<&'static str, Thresholds>,
}

impl Default for Rules {
    fn default() -> Self {
        Self { thresholds: ALL.iter().map(|check| (check.id, check.thresholds)).collect() }
    }
}

impl Rules {
    /// Reads `ALERT_RULES`. `reading` collects an invalid value.
    pub fn read(reading: &mut sigpost_runtime::Reading) -> Self {
        reading.checked(ALERT_RULES, |list| Ok(Self::parse(list)?)).unwrap_or_default()
    }

    /// Parses changes to the defaults, such as `queue-depth=500:5000,active-runs=off,failure-rate=0.02`. The first
    /// number is the threshold for a warning, the second for critical. One number sets only a warning; `off` disables
    /// the check.
    ///
    /// # Errors
    ///
    /// A check is unknown, a threshold is not a number, or critical is less than warning.
    pub fn parse(list: &str) -> Result<Self, Invalid> {
        let mut rules = Self::default();
        for entry in list.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            let invalid = |why: String| Invalid::new(ALERT_RULES.name, why);
            let (name, figures) = entry
                .split_once('=')
                .ok_or_else(|| invalid(format!("{entry:?} must be RULE=WARNING[:CRITICAL] or RULE=off")))?;
            let Some(thresholds) = rules.thresholds.get_mut(name.trim()) else {
                let known = ALL.map(|check| check.id).join(", ");
                return Err(invalid(format!("unknown rule {name:?}; known are {known}")));
            };
            *thresholds = figures_of(figures.trim()).map_err(|why| invalid(format!("{name}: {why}")))?;
        }
        Ok(rules)
    }

    /// Returns the thresholds of a check.
    pub fn thresholds(&self, check: &Check) -> Thresholds {
        self.thresholds.get(check.id).copied().unwrap_or_default()
    }

    /// Returns the level of a value of a check; `None` if the check passes.
    pub fn level(&self, check: &Check, value: f64) -> Option<Severity> {
        self.thresholds(check).level(value)
    }

    /// Returns the readings of these checks that reach a threshold.
    pub fn findings(&self, checks: &[&'static Check], readings: &Readings) -> Vec<Finding> {
        let values = checks.iter().flat_map(|check| (check.readings)(readings));
        values.filter_map(|reading| self.finding(reading)).collect()
    }

    fn finding(&self, reading: Reading) -> Option<Finding> {
        let Thresholds { warning, critical } = self.thresholds(reading.check);
        let thresholds = match reading.at_most {
            Severity::Critical => Thresholds { warning, critical },
            Severity::Warning => Thresholds { warning: warning.or(critical), critical: None },
        };
        let (severity, threshold) = thresholds.reached(reading.value)?;
        Some(Finding { reading, severity, threshold })
    }
}

fn figures_of(text: &str) -> Result<Thresholds, String> {
    if text == "off" {
        return Ok(Thresholds::default());
    }
    let figure = |text: &str| match text.trim().parse::<f64>() {
        Ok(figure) if figure.is_finite() && figure > 0.0 => Ok(figure),
        _ => Err(format!("{text:?} must be a number over 0")),
    };
    let Some((warning, critical)) = text.split_once(':') else {
        return Ok(Thresholds { warning: Some(figure(text)?), critical: None });
    };
    let (warning, critical) = (figure(warning)?, figure(critical)?);
    if critical < warning {
        return Err(format!("critical ({critical}) must not be less than the warning ({warning})"));
    }
    Ok(Thresholds { warning: Some(warning), critical: Some(critical) })
}

/// A reading that reached a threshold.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The reading.
    pub reading: Reading,
    /// Its level.
    pub severity: Severity,
    /// The threshold that it reached.
    pub threshold: f64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::{ACTIVE_RUNS, FAILURE_RATE, QUEUE_DEPTH};

    #[test]
    fn deployment_may_change_and_leave_out_rules() {
        let rules = Rules::parse(" queue-depth = 5:50, active-runs=off ,failure-rate=0.5,").expect("rules");
        assert_eq!(rules.level(&QUEUE_DEPTH, 5.0), Some(Severity::Warning));
        assert_eq!(rules.level(&QUEUE_DEPTH, 50.0), Some(Severity::Critical));
        assert_eq!(rules.level(&ACTIVE_RUNS, 1e9), None);
        assert_eq!(rules.level(&FAILURE_RATE, 1.0), Some(Severity::Warning));
        assert_eq!(Rules::parse(""), Ok(Rules::default()));
        for (list, error) in [
            ("speed=1", "ALERT_RULES: unknown rule \"speed\"; known are failure-rate, "),
            ("queue-depth", "ALERT_RULES: \"queue-depth\" must be RULE=WARNING[:CRITICAL] or RULE=off"),
            ("queue-depth=x", "ALERT_RULES: queue-depth: \"x\" must be a number over 0"),
            ("queue-depth=9:3", "ALERT_RULES: queue-depth: critical (3) must not be less than the warning (9)"),
        ] {
            let rejected = Rules::parse(list).expect_err(list).to_string();
            assert!(rejected.starts_with(error), "{rejected}");
        }
    }
}
