//! What was done, said on the page that follows. The address has a code; the texts are here, so that
//! nobody can make the console say something of theirs.

use url::form_urlencoded;

macro_rules! notices {
    ($($(#[$meta:meta])* $name:ident = $code:literal, $text:literal;)+) => {
        /// Something that was done.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Notice {
            $($(#[$meta])* $name,)+
        }

        impl Notice {
            const ALL: &[Self] = &[$(Self::$name),+];

            /// As it stands in an address.
            pub(crate) fn code(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)+
                }
            }

            /// With `#` for a number.
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
    Republished = "republished", "Published anew: this is the new message. The dead letter is gone.";
    LettersRetried = "letters-retried", "Dead letters that were published anew: #.";
    LettersDeleted = "letters-deleted", "Dead letters that were deleted: #.";
    MoreLetters = "more-letters", "Dead letters that were published anew: #. There are more: do it again for those.";
    QueuePaused = "queue-paused", "The queue is paused: it accepts, and nothing of it starts.";
    QueueResumed = "queue-resumed", "The queue goes on.";
    QueueSaved = "queue-saved", "The queue is as asked.";
    KeyPaused = "key-paused", "The key is paused: what comes waits.";
    KeyResumed = "key-resumed", "The key goes on.";
    KeyPinned = "key-pinned", "The limits are pinned.";
    KeyUnpinned = "key-unpinned", "Messages say the limits again.";
    RateReset = "rate-reset", "A period begins now.";
    ScheduleCreated = "schedule-created", "The schedule is made, or replaced.";
    ScheduleRun = "schedule-run", "The schedule was run: this is its message.";
    ScheduleRunForMany = "schedule-run-many", "The schedule was run. Messages that were published: #.";
    SchedulePaused = "schedule-paused", "The schedule is paused: its firings are skipped.";
    ScheduleResumed = "schedule-resumed", "The schedule fires again.";
    ScheduleDeleted = "schedule-deleted", "The schedule is deleted.";
    EndpointAdded = "endpoint-added", "The endpoint is added.";
    EndpointRemoved = "endpoint-removed", "The endpoint is removed.";
    KeysRotated = "keys-rotated", "The keys are rotated. Give receivers the new next key.";
    Published = "published", "Published: this is the message.";
    PublishedMany = "published-many", "Published. Messages: #.";
    NoneChosen = "none-chosen", "Nothing was chosen, so nothing was done.";
}

/// What the query says was done.
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
        assert_eq!(notice(Some("n=3&notice=letters-deleted")).as_deref(), Some("Dead letters that were deleted: 3."));
        assert_eq!(
            notice(Some("n=%3Cb%3E&notice=letters-deleted")).as_deref(),
            Some("Dead letters that were deleted: 0.")
        );
        assert_eq!(notice(Some("notice=Send+us+your+token")), None);
        assert_eq!(notice(None), None);
    }
}
