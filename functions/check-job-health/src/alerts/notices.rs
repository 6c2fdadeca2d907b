//! Decides which notices to send, without side effects.

use std::time::Duration;

use sigpost_health::Finding;
use sigpost_store::alerts::{Alert, Severity};

/// An alert that reopens within this time after a notice is not announced again.
const DEDUPLICATION: Duration = Duration::from_secs(30 * 60);
/// Time between reminders of an open alert.
const REMINDER: Duration = Duration::from_secs(6 * 3600);

/// Kind of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The alert has opened.
    Opened,
    /// The alert was a warning and is critical now.
    Worsened,
    /// The alert is still open.
    Reminder,
    /// The alert has recovered.
    Recovered,
}

/// Notice of a change of one alert.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Notice {
    pub(crate) kind: Kind,
    pub(crate) rule: String,
    pub(crate) subject: String,
    pub(crate) severity: Severity,
    pub(crate) value: f64,
    /// Threshold that the value has reached; `None` for a recovered alert.
    pub(crate) threshold: Option<f64>,
    pub(crate) message: String,
}

/// Returns the notices to send, from the current findings and the recorded alerts.
pub(crate) fn due(found: &[Finding], known: &[Alert]) -> Vec<Notice> {
    let opened = found.iter().filter_map(|finding| {
        let before = known.iter().find(|alert| is_same(alert, finding));
        let kind = news(finding.severity, before)?;
        Some(Notice {
            kind,
            rule: finding.reading.check.id.to_owned(),
            subject: finding.reading.subject.clone(),
            severity: finding.severity,
            value: finding.reading.value,
            threshold: Some(finding.threshold),
            message: finding.reading.message.clone(),
        })
    });
    let over = known
        .iter()
        .filter(|alert| !alert.resolved && alert.announced && !found.iter().any(|finding| is_same(alert, finding)));
    let recovered = over.map(|alert| Notice {
        kind: Kind::Recovered,
        rule: alert.rule.clone(),
        subject: alert.subject.clone(),
        severity: alert.severity,
        value: alert.value,
        threshold: None,
        message: format!("recovered; last message: {}", alert.message),
    });
    opened.chain(recovered).collect()
}

fn is_same(alert: &Alert, finding: &Finding) -> bool {
    alert.rule == finding.reading.check.id && alert.subject == finding.reading.subject
}

/// Returns the kind of notice to send for a finding, if any.
fn news(severity: Severity, before: Option<&Alert>) -> Option<Kind> {
    let Some(before) = before else { return Some(Kind::Opened) };
    let told_within = |time: Duration| before.notified_s_ago.is_some_and(|ago| ago < time.as_secs_f64());
    if before.notified_severity.is_some_and(|told| severity > told) && !before.resolved && before.announced {
        return Some(Kind::Worsened);
    }
    if before.resolved || !before.announced {
        let same = before.notified_severity.is_some_and(|told| severity <= told);
        return (!(same && told_within(DEDUPLICATION))).then_some(Kind::Opened);
    }
    (!told_within(REMINDER)).then_some(Kind::Reminder)
}

#[cfg(test)]
mod tests {
    use sigpost_health::Readings;
    use sigpost_health::checks::QUEUE_DEPTH;

    use super::*;

    fn finding(severity: Severity) -> Finding {
        let reading = (QUEUE_DEPTH.readings)(&Readings::default()).remove(0);
        Finding { reading, severity, threshold: 4.0 }
    }

    fn known(resolved: bool, announced: bool, told_s_ago: Option<f64>, told: Option<Severity>) -> Alert {
        Alert {
            rule: "queue-depth".into(),
            subject: String::new(),
            severity: Severity::Warning,
            value: 5.0,
            message: "five".into(),
            opened_at_ms: 0,
            resolved,
            announced,
            notified_s_ago: told_s_ago,
            notified_severity: told,
        }
    }

    fn kinds(found: &[Finding], known: &[Alert]) -> Vec<Kind> {
        due(found, known).iter().map(|notice| notice.kind).collect()
    }

    #[test]
    fn alert_is_sent_once_then_rarely_and_when_it_worsens() {
        use Severity::{Critical, Warning};
        for (severity, before, expected) in [
            (Warning, None, Some(Kind::Opened)),
            (Warning, Some(known(false, true, Some(60.0), Some(Warning))), None),
            (Warning, Some(known(false, true, Some(6.1 * 3600.0), Some(Warning))), Some(Kind::Reminder)),
            (Critical, Some(known(false, true, Some(60.0), Some(Warning))), Some(Kind::Worsened)),
            (Warning, Some(known(false, true, Some(60.0), Some(Critical))), None),
            // The alert reopens.
            (Warning, Some(known(true, false, Some(1799.0), Some(Warning))), None),
            (Warning, Some(known(true, false, Some(1801.0), Some(Warning))), Some(Kind::Opened)),
            (Critical, Some(known(true, false, Some(60.0), Some(Warning))), Some(Kind::Opened)),
            // The alert reopened without a notice and stays open.
            (Warning, Some(known(false, false, Some(1801.0), Some(Warning))), Some(Kind::Opened)),
            // No channel received the notice.
            (Warning, Some(known(false, false, None, None)), Some(Kind::Opened)),
        ] {
            let told = kinds(&[finding(severity)], &Vec::from_iter(before.clone()));
            assert_eq!(told, Vec::from_iter(expected), "{before:?}");
        }
    }

    #[test]
    fn resolved_alert_is_sent_to_the_same_recipients() {
        let told = |before| kinds(&[], &[before]);
        assert_eq!(told(known(false, true, Some(60.0), Some(Severity::Warning))), [Kind::Recovered]);
        assert_eq!(told(known(false, false, Some(60.0), Some(Severity::Warning))), []);
        assert_eq!(told(known(true, false, Some(60.0), Some(Severity::Warning))), []);
    }
}
