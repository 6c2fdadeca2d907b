//! Signing keys.

use crate::Check;
use crate::check::{count, warning};

/// A wrong key rejects every delivery of its handler, which is more than ten per minute in a deployment that works.
/// Fewer may be probes.
pub static SIGNATURE_REJECTIONS: Check = Check {
    id: "signature-rejections",
    name: "Rejected signatures",
    unit: "per minute",
    thresholds: warning(10.0),
    sentence: "the signing keys of a handler do not match those of the deployment",
    readings: |readings| {
        let per_minute = count(readings.deployment.facts.signature_rejections) / 10.0;
        let message = format!(
            "handlers return 401 {per_minute:.1} times per minute: their signing keys do not match the deployment's"
        );
        vec![SIGNATURE_REJECTIONS.reading(per_minute, message)]
    },
};

/// A year is the longest period that key policies usually allow.
pub static KEYS_OLD: Check = Check {
    id: "keys-old",
    name: "Age of the signing keys",
    unit: "days",
    thresholds: warning(365.0),
    sentence: "old keys may be compromised",
    readings: |readings| {
        let of = |days: f64| KEYS_OLD.reading(days, format!("the signing keys were rotated {days:.0} days ago"));
        readings.deployment.facts.key_age_days.map(of).into_iter().collect()
    },
};
