//! Conversion of OpenMetrics to the Prometheus text format.
//!
//! The two differ in the family name of counters: OpenMetrics has `accepted` with the sample `accepted_total`, the text
//! format has `accepted_total` for both. Without the conversion, parsers of the text format find no HELP and TYPE for
//! counters.
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>

use std::collections::BTreeSet;

/// The content type of the text format.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Converts the output of the encoder: counters, gauges and histograms without exemplars.
pub(super) fn from_open_metrics(text: &str) -> String {
    let counters: BTreeSet<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter")).collect();
    let mut converted = String::with_capacity(text.len());
    for line in text.lines() {
        let described = ["# HELP ", "# TYPE "].iter().find_map(|start| Some((*start, line.strip_prefix(start)?)));
        match described.and_then(|(start, rest)| Some((start, rest.split_once(' ')?))) {
            Some((start, (name, rest))) if counters.contains(name) => {
                converted.extend([start, name, "_total ", rest, "\n"]);
            }
            None if line == "# EOF" || line.starts_with("# UNIT ") => {}
            _ => converted.extend([line, "\n"]),
        }
    }
    converted
}

#[cfg(test)]
mod tests {
    use super::from_open_metrics;

    #[test]
    fn counters_are_described_by_the_name_of_their_samples() {
        let open_metrics = "# HELP s_accepted Messages.\n# TYPE s_accepted counter\ns_accepted_total 3\n\
                            # HELP s_room Room.\n# TYPE s_room gauge\ns_room 1024\n\
                            # HELP s_push_seconds Time.\n# TYPE s_push_seconds histogram\n# UNIT s_push_seconds seconds\n\
                            s_push_seconds_sum 0.5\n# EOF\n";
        let text = "# HELP s_accepted_total Messages.\n# TYPE s_accepted_total counter\ns_accepted_total 3\n\
                    # HELP s_room Room.\n# TYPE s_room gauge\ns_room 1024\n\
                    # HELP s_push_seconds Time.\n# TYPE s_push_seconds histogram\n\
                    s_push_seconds_sum 0.5\n";
        assert_eq!(from_open_metrics(open_metrics), text);
    }
}
