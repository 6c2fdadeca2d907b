//! Names of limits.

/// Returns the name of a queue's limit.
pub fn of_queue(name: &str) -> String {
    format!("queue:{name}")
}

/// Returns the name of a flow-control key's limit.
pub fn of_flow_control_key(key: &str) -> String {
    format!("flow:{key}")
}
