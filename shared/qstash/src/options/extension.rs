//! Parameters that QStash does not have: `Upstash-Sigpost-*`.

use std::time::Duration;

use super::parameters;
use super::scope::Scope;
use super::unknown::closest_extension;
use crate::names::EXTENSION_PREFIX;
use crate::{Invalid, parse_duration};

pub(super) const PRIORITY: &str = "sigpost-priority";
pub(super) const DEDUPLICATION_WINDOW: &str = "sigpost-deduplication-window";
pub(super) const DEDUPLICATION_RELEASE_ON_FAILURE: &str = "sigpost-deduplication-release-on-failure";

/// Parameters of schedules, which have no effect on messages.
pub(crate) const CRON: &str = "sigpost-cron";
pub(crate) const CATCH_UP: &str = "sigpost-catch-up";

/// The maximum absolute value of a priority.
const MAX_PRIORITY: i32 = 1000;

/// The maximum deduplication window, ninety days, the longest that QStash has ever had. The minimum is a second.
const MAX_WINDOW: Duration = Duration::from_secs(90 * 86_400);

/// Rejects an unknown extension. QStash ignores unknown parameters, but this prefix is sigpost's own, so an unknown
/// name is a misspelling.
pub(super) fn check_names(scope: Scope<'_>) -> Result<(), Invalid> {
    for (name, value) in scope.iter() {
        if name.starts_with(EXTENSION_PREFIX) && !value.trim_ascii().is_empty() && !parameters::exists(name) {
            return Err(unknown(scope, name));
        }
    }
    Ok(())
}

fn unknown(scope: Scope<'_>, name: &str) -> Invalid {
    let hint = closest_extension(name, !scope.prefix.is_empty());
    let hint = hint.map(|known| format!(", did you mean {}?", scope.field(known)));
    Invalid::new(scope.field(name), format!("unknown header{}", hint.unwrap_or_default()))
}

pub(super) fn priority(field: &str, text: &str) -> Result<i32, Invalid> {
    text.parse().ok().filter(|priority| (-MAX_PRIORITY..=MAX_PRIORITY).contains(priority)).ok_or_else(|| {
        Invalid::got(field, format!("must be a whole number from -{MAX_PRIORITY} to {MAX_PRIORITY}"), text)
    })
}

pub(super) fn window(field: &str, text: &str) -> Result<Duration, Invalid> {
    let window = parse_duration(field, text)?;
    if (Duration::from_secs(1)..=MAX_WINDOW).contains(&window) {
        Ok(window)
    } else {
        Err(Invalid::got(field, "must be a duration from 1s to 90d", text))
    }
}
