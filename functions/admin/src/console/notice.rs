//! Notices about the result of an action, shown on the next page. The URL has only a code, so that a link cannot
//! inject a text.

use url::form_urlencoded;

macro_rules! notices {
    ($($(#[$meta:meta])* $name:ident = $code:literal, $text:literal;)+) => {
        /// Result of an action.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Notice {
            $($(#[$meta])* $name,)+
        }

        impl Notice {
            const ALL: &[Self] = &[$(Self::$name),+];

            /// Returns the code in URLs.
            pub(crate) fn code(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)+
                }
            }

            /// Returns the text. `#` stands for a number.
            fn template(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }
        }
    };
}

notices! {
    Due = "due", "The message is due now.";
    Cancelled = "cancelled", "The message is cancelled.";
    Republished = "republished", "Published again as this message. The dead letter is deleted.";
    LettersRetried = "letters-retried", "Dead letters retried: #.";
    LettersDeleted = "letters-deleted", "Dead letters deleted: #.";
    MoreLetters = "more-letters", "Dead letters retried: #. More dead letters match; retry again to include them.";
    QueuePaused = "queue-paused", "The queue is paused. It accepts messages but delivers none.";
    QueueResumed = "queue-resumed", "The queue is resumed.";
    QueueSaved = "queue-saved", "The queue is saved.";
    KeyPaused = "key-paused", "The key is paused. Its messages are blocked.";
    KeyResumed = "key-resumed", "The key is resumed.";
    KeyPinned = "key-pinned", "The limits are pinned.";
    KeyUnpinned = "key-unpinned", "The limits are unpinned. Messages set them again.";
    RateReset = "rate-reset", "A new rate period has started.";
    ScheduleCreated = "schedule-created", "The schedule is saved.";
    ScheduleRun = "schedule-run", "The schedule was run. This is its message.";
    ScheduleRunForMany = "schedule-run-many", "The schedule was run. Messages published: #.";
    SchedulePaused = "schedule-paused", "The schedule is paused. Its firings are skipped.";
    ScheduleResumed = "schedule-resumed", "The schedule is resumed.";
    ScheduleDeleted = "schedule-deleted", "The schedule is deleted.";
    EndpointAdded = "endpoint-added", "The endpoint is added.";
    EndpointRemoved = "endpoint-removed", "The endpoint is removed.";
    KeysRotated = "keys-rotated", "The keys are rotated. Give receivers the new next key.";
    Published = "published", "Published as this message.";
    PublishedMany = "published-many", "Messages published: #.";
    NoneChosen = "none-chosen", "No dead letter is selected. Nothing was changed.";
}

/// Returns the notice that the query names.
pub(crate) fn notice(query: Option<&str>) -> Option<String> {
    let pairs = || form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let value = |name: &str| pairs().find(|(given, _)| given == name).map(|(_, value)| value.into_owned());
    let code = value("notice")?;
    let notice = Notice::ALL.iter().find(|notice| notice.code() == code)?;
    let count: u32 = value("n").and_then(|n| n.parse().ok()).unwrap_or(0);
    Some(notice.template().replace('#', &count.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_codes_say_something() {
        assert_eq!(notice(Some("notice=due")).as_deref(), Some("The message is due now."));
        assert_eq!(notice(Some("n=3&notice=letters-deleted")).as_deref(), Some("Dead letters deleted: 3."));
        assert_eq!(notice(Some("n=%3Cb%3E&notice=letters-deleted")).as_deref(), Some("Dead letters deleted: 0."));
        assert_eq!(notice(Some("notice=Send+us+your+token")), None);
        assert_eq!(notice(None), None);
    }
}
