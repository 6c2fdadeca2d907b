//! The flow-control keys of a message.

use super::scope::Scope;
use crate::{FlowControl, Invalid};

const KEY: &str = "flow-control-key";
const VALUE: &str = "flow-control-value";

/// The headers of further keys, an extension.
const MORE: [(&str, &str); 7] = [
    ("sigpost-flow-control-key-2", "sigpost-flow-control-value-2"),
    ("sigpost-flow-control-key-3", "sigpost-flow-control-value-3"),
    ("sigpost-flow-control-key-4", "sigpost-flow-control-value-4"),
    ("sigpost-flow-control-key-5", "sigpost-flow-control-value-5"),
    ("sigpost-flow-control-key-6", "sigpost-flow-control-value-6"),
    ("sigpost-flow-control-key-7", "sigpost-flow-control-value-7"),
    ("sigpost-flow-control-key-8", "sigpost-flow-control-value-8"),
];

/// Reads all keys: QStash's own first, since responses have one field for it; the others sorted, so that slots of
/// several keys are always taken in the same order.
pub(super) fn read(scope: Scope<'_>) -> Result<Vec<FlowControl>, Invalid> {
    let mut all: Vec<FlowControl> = one(scope, KEY, VALUE)?.into_iter().collect();
    for (key, value) in MORE {
        let Some(next) = one(scope, key, value)? else {
            continue;
        };
        if all.is_empty() {
            return Err(Invalid::new(scope.field(key), format!("requires {}", scope.field(KEY))));
        }
        if all.iter().any(|known| known.key == next.key) {
            return Err(Invalid::got(scope.field(key), "must differ from the other keys", next.key));
        }
        all.push(next);
    }
    if let Some((_, more)) = all.split_first_mut() {
        more.sort_by(|left, right| left.key.cmp(&right.key));
    }
    Ok(all)
}

fn one(scope: Scope<'_>, key: &str, value: &str) -> Result<Option<FlowControl>, Invalid> {
    match (scope.read(key, FlowControl::parse_key)?, scope.get(value)) {
        (None, None) => Ok(None),
        (Some(name), Some(text)) => FlowControl::parse(name, &scope.field(value), text).map(Some),
        (Some(_), None) => Err(Invalid::new(scope.field(key), format!("requires {}", scope.field(value)))),
        (None, Some(_)) => Err(Invalid::new(scope.field(value), format!("requires {}", scope.field(key)))),
    }
}
