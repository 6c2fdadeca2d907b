//! The queues and flow-control keys of the load, whose limits the invariants check.

pub(crate) struct Queue {
    pub(crate) name: &'static str,
    pub(crate) parallelism: usize,
}

pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) parallelism: Option<usize>,
    /// Maximum starts, and the period in seconds.
    pub(crate) rate: Option<(usize, u32)>,
}

pub(crate) const QUEUES: [Queue; 4] = [
    Queue { name: "a", parallelism: 1 },
    Queue { name: "b", parallelism: 1 },
    Queue { name: "limited", parallelism: 1 },
    Queue { name: "wide", parallelism: 3 },
];

pub(crate) const KEYS: [Key; 4] = [
    Key { name: "rate", parallelism: None, rate: Some((6, 2)) },
    Key { name: "parallel", parallelism: Some(2), rate: None },
    Key { name: "both", parallelism: Some(1), rate: Some((4, 1)) },
    Key { name: "second", parallelism: None, rate: Some((5, 2)) },
];

/// Returns the value of `Upstash-Flow-Control-Value` for a key.
pub(crate) fn flow_control_value(name: &str) -> String {
    let key = KEYS.iter().find(|key| key.name == name);
    let parallelism = key.and_then(|key| key.parallelism).map(|parallelism| format!("parallelism={parallelism}"));
    let rate = key.and_then(|key| key.rate).map(|(rate, period)| format!("rate={rate},period={period}s"));
    parallelism.into_iter().chain(rate).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::flow_control_value;

    #[test]
    fn value_has_the_limits_of_the_key() {
        assert_eq!(flow_control_value("rate"), "rate=6,period=2s");
        assert_eq!(flow_control_value("parallel"), "parallelism=2");
        assert_eq!(flow_control_value("both"), "parallelism=1,rate=4,period=1s");
    }
}
