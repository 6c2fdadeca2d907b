//! The flow-control keys of a message.

use super::scope::Scope;
use crate::{FlowControl, Invalid};

const KEY: &str = "flow-control-key";
const VALUE: &str = "flow-control-value";

/// The headers of the keys after the first, an extension.
const MORE: [(&str, &str); 7] = [
    ("sigpost-flow-control-key-2", "sigpost-flow-control-value-2"),
    ("sigpost-flow-control-key-3", "sigpost-flow-control-value-3"),
    ("sigpost-flow-control-key-4", "sigpost-flow-control-value-4"),
    ("sigpost-flow-control-key-5", "sigpost-flow-control-value-5"),
    ("sigpost-flow-control-key-6", "sigpost-flow-control-value-6"),
    ("sigpost-flow-control-key-7", "sigpost-flow-control-value-7"),
    ("sigpost-flow-control-key-8", "sigpost-flow-control-value-8"),
];

/// QStash's one key first, for answers have one field for it; the others by name, so that
/// whoever takes slots of several keys takes them in one order.
pub(super) fn read(scope: Scope<'_>) -> Result<Vec<FlowControl>, Invalid> {
    let mut all: Vec<FlowControl> = one(scope, KEY, VALUE)?.into_iter().collect();
    for (key, value) in MORE {
        let Some(next) = one(scope, key, value)? else {
            continue;
        };
        if all.is_empty() {
            return Err(Invalid::new(scope.field(key), format!("needs {} first", scope.field(KEY))));
        }
        if all.iter().any(|known| known.key == next.key) {
            return Err(Invalid::new(scope.field(key), "names a key that is given already"));
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
        (Some(_), None) => Err(Invalid::new(scope.field(key), format!("needs {}", scope.field(value)))),
        (None, Some(_)) => Err(Invalid::new(scope.field(value), format!("needs {}", scope.field(key)))),
    }
}
