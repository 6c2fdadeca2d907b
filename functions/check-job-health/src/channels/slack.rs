//! Slack, through an incoming webhook.
//! <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>

use serde_json::{Value, json};
use sigpost_store::alerts::Severity;
use sigpost_store::metrics::milli;

use super::{headline, runbook};
use crate::Config;
use crate::alerts::{Kind, Notice};

pub(super) fn body(notice: &Notice, config: &Config) -> Value {
    let color = match (notice.kind, notice.severity) {
        (Kind::Recovered, _) => "good",
        (_, Severity::Warning) => "warning",
        (_, Severity::Critical) => "danger",
    };
    let field =
        |title: &str, value: String, short: bool| json!({ "title": title, "value": escaped(&value), "short": short });
    let mut fields = vec![
        field("Type", notice.rule.clone(), true),
        field("Severity", notice.severity.as_str().to_owned(), true),
        field("Message", notice.message.clone(), false),
        field("Value", figure(notice.value), true),
    ];
    fields.extend(notice.threshold.map(|threshold| field("Threshold", figure(threshold), true)));
    fields.push(field("Runbook", runbook(notice, config), false));
    let text = escaped(&headline(notice, config));
    json!({ "text": text, "attachments": [{ "color": color, "fallback": text, "fields": fields }] })
}

/// Formats a value with at most three decimals.
fn figure(value: f64) -> String {
    milli(value).to_string()
}

/// Escapes Slack markup, so that a user-defined name cannot mention a whole channel.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_markup() {
        assert_eq!(escaped("<!channel> & co"), "&lt;!channel&gt; &amp; co");
        assert_eq!((figure(0.1 + 0.2), figure(120.0)), ("0.3".to_owned(), "120".to_owned()));
    }
}
