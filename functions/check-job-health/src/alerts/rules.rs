//! Rules and their thresholds. `docs/src/guides/troubleshooting.md` has a section for each rule.

use std::collections::BTreeMap;

use sigpost_jobs::Invalid;
use sigpost_store::alerts::Severity;

use super::Reading;

/// A rule with its default thresholds.
#[derive(Debug)]
struct Rule {
    /// Name of the rule and of its section in the runbook.
    id: &'static str,
    thresholds: Thresholds,
}

/// Values from which on an alert is a warning or critical.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Thresholds {
    warning: Option<f64>,
    critical: Option<f64>,
}

const fn rule(id: &'static str, warning: Option<f64>, critical: Option<f64>) -> Rule {
    Rule { id, thresholds: Thresholds { warning, critical } }
}

/// All rules. Thresholds have the units of the readings.
const RULES: [Rule; 26] = [
    rule("failure-rate", Some(0.05), Some(0.10)),
    rule("stuck-runs", None, Some(1.0)),
    rule("leases-lost", Some(1.0), None),
    rule("no-completions", None, Some(1.0)),
    rule("schedule-missed", Some(120.0), Some(600.0)),
    rule("queue-depth", Some(100.0), Some(1000.0)),
    rule("queue-age", Some(300.0), Some(1800.0)),
    rule("backlog-growing", Some(2.0), None),
    rule("held-back", Some(900.0), None),
    rule("active-runs", Some(50.0), None),
    rule("slow-runs", Some(30.0), None),
    rule("dead-letters", Some(10.0), Some(100.0)),
    rule("dead-letters-growing", Some(100.0), None),
    rule("dead-letters-disagree", None, Some(1.0)),
    rule("signature-rejections", Some(10.0), None),
    rule("keys-old", Some(365.0), None),
    rule("memory", Some(0.8), Some(0.95)),
    rule("listen-down", Some(60.0), None),
    rule("database-slow", Some(0.5), Some(5.0)),
    rule("query-long", Some(30.0), Some(300.0)),
    rule("clock-skew", Some(5.0), Some(60.0)),
    rule("connections", Some(0.8), Some(0.95)),
    rule("schema-behind", None, Some(1.0)),
    rule("partitions-missing", Some(1.0), None),
    rule("email-bounces", Some(0.05), Some(0.10)),
    // E-mail providers close accounts with higher complaint rates.
    rule("email-complaints", Some(0.001), Some(0.005)),
];

/// Thresholds of a deployment.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    thresholds: BTreeMap<&'static str, Thresholds>,
}

impl Default for Rules {
    fn default() -> Self {
        Self { thresholds: RULES.iter().map(|rule| (rule.id, rule.thresholds)).collect() }
    }
}

impl Rules {
    /// Returns the names of all rules.
    pub fn names() -> impl Iterator<Item = &'static str> {
        RULES.iter().map(|rule| rule.id)
    }

    /// Returns all rules with their default thresholds for warning and critical.
    pub fn defaults() -> impl Iterator<Item = (&'static str, Option<f64>, Option<f64>)> {
        RULES.iter().map(|rule| (rule.id, rule.thresholds.warning, rule.thresholds.critical))
    }

    /// Parses changes to the defaults, such as `queue-depth=500:5000,active-runs=off,failure-rate=0.02`. The first
    /// number is the threshold for a warning, the second for critical. One number sets only a warning; `off` disables
    /// the rule.
    ///
    /// # Errors
    ///
    /// A rule is unknown, a threshold is not a number, or critical is less than warning.
    pub fn parse(list: &str) -> Result<Self, Invalid> {
        let mut rules = Self::default();
        for entry in list.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            let invalid = |why: String| Invalid::new("ALERT_RULES", why);
            let (name, figures) = entry
                .split_once('=')
                .ok_or_else(|| invalid(format!("{entry:?} must be RULE=WARNING[:CRITICAL] or RULE=off")))?;
            let Some(thresholds) = rules.thresholds.get_mut(name.trim()) else {
                let known = Self::names().collect::<Vec<_>>().join(", ");
                return Err(invalid(format!("unknown rule {name:?}; known are {known}")));
            };
            *thresholds = figures_of(figures.trim()).map_err(|why| invalid(format!("{name}: {why}")))?;
        }
        Ok(rules)
    }

    fn severity(&self, rule: &str, value: f64) -> Option<(Severity, f64)> {
        let Thresholds { warning, critical } = *self.thresholds.get(rule)?;
        let over = |threshold: Option<f64>, severity| {
            threshold.filter(|threshold| value >= *threshold).map(|threshold| (severity, threshold))
        };
        over(critical, Severity::Critical).or_else(|| over(warning, Severity::Warning))
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

/// A reading over its threshold.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Finding {
    pub(crate) reading: Reading,
    pub(crate) severity: Severity,
    pub(crate) threshold: f64,
}

/// Returns the readings that reach a threshold.
pub(crate) fn findings(readings: Vec<Reading>, rules: &Rules) -> Vec<Finding> {
    let found = readings.into_iter().filter_map(|reading| {
        let (severity, threshold) = rules.severity(reading.rule, reading.value)?;
        Some(Finding { reading, severity, threshold })
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn severity(rules: &Rules, rule: &'static str, value: f64) -> Option<Severity> {
        let reading = Reading { rule, subject: String::new(), value, message: String::new() };
        findings(vec![reading], rules).pop().map(|finding| finding.severity)
    }

    #[test]
    fn figure_at_its_threshold_is_wrong() {
        let rules = Rules::default();
        assert_eq!(severity(&rules, "failure-rate", 0.0499), None);
        assert_eq!(severity(&rules, "failure-rate", 0.05), Some(Severity::Warning));
        assert_eq!(severity(&rules, "failure-rate", 0.10), Some(Severity::Critical));
        assert_eq!(severity(&rules, "active-runs", 1e9), Some(Severity::Warning));
    }

    #[test]
    fn deployment_may_change_and_leave_out_rules() {
        let rules = Rules::parse(" queue-depth = 5:50, active-runs=off ,failure-rate=0.5,").expect("rules");
        assert_eq!(severity(&rules, "queue-depth", 5.0), Some(Severity::Warning));
        assert_eq!(severity(&rules, "queue-depth", 50.0), Some(Severity::Critical));
        assert_eq!(severity(&rules, "active-runs", 1e9), None);
        assert_eq!(severity(&rules, "failure-rate", 1.0), Some(Severity::Warning));
        assert_eq!(Rules::parse(""), Ok(Rules::default()));
        for (list, error) in [
            ("speed=1", "ALERT_RULES: unknown rule \"speed\"; known are failure-rate, "),
            ("queue-depth", "ALERT_RULES: \"queue-depth\" must be RULE=WARNING[:CRITICAL] or RULE=off"),
            ("queue-depth=x", "ALERT_RULES: queue-depth: \"x\" must be a number over 0"),
            ("queue-depth=9:3", "ALERT_RULES: queue-depth: critical (3) must not be less than the warning (9)"),
        ] {
            let refused = Rules::parse(list).expect_err(list).to_string();
            assert!(refused.starts_with(error), "{refused}");
        }
    }
}
