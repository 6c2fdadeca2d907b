//! PagerDuty, through its Events API v2.
//! <https://developer.pagerduty.com/docs/send-alert-event>

use serde_json::{Value, json};

use super::{headline, runbook};
use crate::Config;
use crate::alerts::{Kind, Notice};

/// Maximum length of a deduplication key.
const MAX_KEY_CHARS: usize = 255;
/// Maximum length of a summary.
const MAX_SUMMARY_CHARS: usize = 1024;

/// Returns the event. The events that open and resolve an incident have the same key.
pub(super) fn body(notice: &Notice, config: &Config, routing_key: &str) -> Value {
    let key = cut(&format!("{}/{}/{}", config.deployment, notice.rule, notice.subject), MAX_KEY_CHARS);
    if notice.kind == Kind::Recovered {
        return json!({ "routing_key": routing_key, "event_action": "resolve", "dedup_key": key });
    }
    json!({
        "routing_key": routing_key,
        "event_action": "trigger",
        "dedup_key": key,
        "payload": {
            "summary": cut(&headline(notice, config), MAX_SUMMARY_CHARS),
            "source": config.deployment,
            "severity": notice.severity.as_str(),
            "component": notice.rule,
            "custom_details": {
                "message": notice.message,
                "subject": notice.subject,
                "value": notice.value,
                "threshold": notice.threshold,
                "runbook": runbook(notice, config),
            },
        },
    })
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}
