//! Names that are no parameter of a publish, and are probably misspelt.

use super::parameters::{self, PARAMETERS};
use crate::error::cut;
use crate::names::{DELIVERY_HEADERS, EXTENSION_PREFIX, NON_RETRYABLE, PREFIX};
use crate::{Params, canonical_name};

/// Minimum similarity of a suggestion, from 0 to 1.
const SIMILAR: f64 = 0.85;

/// Prefixes whose names are open: headers to forward, parameters of callbacks, and those of Upstash's clients that
/// have no effect on a message.
const OPEN: [&str; 6] = ["forward-", "callback-", "failure-callback-", "workflow-", "telemetry-", "trigger-"];

/// Names that Upstash's clients send and that have no effect on a message.
const WITHOUT_EFFECT: [&str; 4] = ["feature-set", "error-step-name", "authorization", "topic-name"];

/// Returns a warning for each unknown name. QStash ignores unknown parameters, and a client may send one that is newer
/// than this server, so that a rejection would break it.
pub fn warnings(params: &Params) -> impl Iterator<Item = String> {
    let given = params.iter().filter(|(_, value)| !value.trim_ascii().is_empty());
    given.filter(|(name, _)| !is_known(name)).map(|(name, _)| warning(name))
}

/// A request that is passed on has the headers of its delivery.
fn is_known(name: &str) -> bool {
    let is_header = |header: &str| header.strip_prefix(PREFIX) == Some(name);
    parameters::exists(name)
        || OPEN.iter().any(|prefix| name.starts_with(prefix))
        || WITHOUT_EFFECT.contains(&name)
        || DELIVERY_HEADERS.iter().any(|header| is_header(header))
        || is_header(NON_RETRYABLE)
}

fn warning(name: &str) -> String {
    let known = PARAMETERS.iter().map(parameters::Parameter::name).filter(|known| !known.starts_with(EXTENSION_PREFIX));
    let hint = closest(name, known).map(|known| format!(" (did you mean {}?)", header(known)));
    format!("unknown header {PREFIX}{}{}", cut(name).escape_default(), hint.unwrap_or_default())
}

/// Returns the extension that an unknown `Upstash-Sigpost-*` probably means, without `upstash-`.
pub(super) fn closest_extension(name: &str, of_callbacks: bool) -> Option<&'static str> {
    let known = PARAMETERS.iter().filter(|parameter| parameter.is_extension());
    let known = known.filter(|parameter| parameter.of_callbacks || !of_callbacks);
    let strip = |name: &'static str| name.strip_prefix(EXTENSION_PREFIX);
    let short = closest(name.strip_prefix(EXTENSION_PREFIX)?, known.filter_map(|parameter| strip(parameter.name())))?;
    PARAMETERS.iter().map(parameters::Parameter::name).find(|known| strip(known) == Some(short))
}

/// Returns the first of the most similar names.
fn closest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut best = None;
    for known in known {
        let similarity = strsim::jaro_winkler(name, known);
        if similarity >= best.map_or(SIMILAR, |(best, _)| best) && best.is_none_or(|(best, _)| similarity > best) {
            best = Some((similarity, known));
        }
    }
    best.map(|(_, known)| known)
}

fn header(name: &str) -> String {
    canonical_name(&format!("{PREFIX}{name}"))
}

#[cfg(test)]
mod tests {
    use super::{closest_extension, warnings};
    use crate::{PARAMETERS, Params};

    fn warnings_of(names: &[&str]) -> Vec<String> {
        warnings(&Params::from_pairs(names.iter().map(|name| (*name, "1"))).unwrap()).collect()
    }

    #[test]
    fn misspelt_header_gets_a_warning_with_the_closest_name() {
        for (name, warning) in [
            ("Upstash-Retrys", "unknown header upstash-retrys (did you mean Upstash-Retries?)"),
            ("upstash-queue", "unknown header upstash-queue (did you mean Upstash-Queue-Name?)"),
            ("Upstash-Dealy", "unknown header upstash-dealy (did you mean Upstash-Delay?)"),
            ("Upstash-Labels", "unknown header upstash-labels (did you mean Upstash-Label?)"),
            ("Upstash-Deduplication", "unknown header upstash-deduplication (did you mean Upstash-Deduplication-Id?)"),
            ("Upstash-Quux", "unknown header upstash-quux"),
            ("upstash-é\n", "unknown header upstash-\\u{e9}\\n"),
        ] {
            assert_eq!(warnings_of(&[name]), [warning]);
        }
        assert_eq!(warnings_of(&["x-own", "upstash-a", "upstash-b"]).len(), 2);
    }

    #[test]
    fn headers_of_official_clients_get_no_warning() {
        let names = "\
            Upstash-Forward-X Upstash-Callback-Quux Upstash-Failure-Callback-Quux Upstash-Callback-Forward-X \
            Upstash-Workflow-RunId Upstash-Workflow-Init Upstash-Workflow-Sdk-Version Upstash-Workflow-Url \
            Upstash-Telemetry-Sdk Upstash-Telemetry-Runtime Upstash-Telemetry-Platform Upstash-Feature-Set \
            Upstash-Failure-Callback-Workflow-Runid Upstash-Callback-Feature-Set Upstash-Trigger-X Upstash-Region \
            Upstash-Message-Id Upstash-Signature Upstash-Retried Upstash-Caller-Ip Upstash-Topic-Name \
            Upstash-NonRetryable-Error Upstash-Error-Step-Name Upstash-Not-Before";
        assert_eq!(warnings_of(&names.split(' ').collect::<Vec<_>>()), [""; 0]);
        for parameter in PARAMETERS {
            let params = Params::from_pairs([(&*parameter.header(), parameter.example)].into_iter()).unwrap();
            assert_eq!(warnings(&params).collect::<Vec<_>>(), [""; 0]);
        }
        let blank = Params::from_pairs([("upstash-retrys", " ")].into_iter()).unwrap();
        assert_eq!(warnings(&blank).collect::<Vec<_>>(), [""; 0]);
    }

    #[test]
    fn closest_extension_is_one_that_its_request_may_have() {
        assert_eq!(closest_extension("sigpost-prioriti", true), Some("sigpost-priority"));
        assert_eq!(closest_extension("sigpost-catch-upp", false), Some("sigpost-catch-up"));
        assert_eq!(closest_extension("sigpost-catch-upp", true), None);
        assert_eq!(closest_extension("sigpost-", false), None);
    }
}
