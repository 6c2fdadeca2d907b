//! AWS's public prices of us-east-1 on demand, arm64, November 2026
//! (<https://aws.amazon.com/lambda/pricing/>), without the free tier.

const DOLLARS_PER_GB_SECOND: f64 = 0.000_013_333_4;
const DOLLARS_PER_MILLION_REQUESTS: f64 = 0.20;
/// `DispatchMemory` of `infra/template.yaml`, in MB as Lambda counts them: 1,024 are a GB.
pub(super) const DISPATCH_MEMORY: f64 = 256.0;
/// `HandlerMemory`.
pub(super) const HANDLER_MEMORY: f64 = 128.0;
/// Memory at which an environment has one CPU; with less it has a proportional share (AWS documentation, "Configure
/// Lambda function memory").
const MEMORY_OF_A_CPU: f64 = 1769.0;

/// Formula of [`per_million_jobs`].
pub(super) const FORMULA: &str = "$ per million jobs = 2 requests x 0.20 \
    + 1,000 s per ms x (dispatch ms x 256/1024 + handler ms x 128/1024) GB x 0.0000133334";

/// Returns the cost of a million jobs in dollars. Each job has two requests, one accepted and one handled, and these
/// billed milliseconds.
pub(super) fn per_million_jobs(dispatch_ms: f64, handler_ms: f64) -> f64 {
    // A million jobs times a thousandth of a second.
    let gb_seconds = 1e3 * (dispatch_ms * DISPATCH_MEMORY + handler_ms * HANDLER_MEMORY) / 1024.0;
    2.0 * DOLLARS_PER_MILLION_REQUESTS + gb_seconds * DOLLARS_PER_GB_SECOND
}

/// Returns an upper bound of the duration if `cpu_ms` of `wall_ms` run on the CPU share of this memory size, without
/// overlap of CPU time and waiting.
pub(super) fn on_a_share(wall_ms: f64, cpu_ms: f64, memory: f64) -> f64 {
    wall_ms + cpu_ms * (MEMORY_OF_A_CPU / memory - 1.0).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_jobs_cost_their_requests_and_their_gigabyte_seconds() {
        let rounded = |dollars: f64| (dollars * 1e4).round() / 1e4;
        assert_eq!(rounded(per_million_jobs(0.0, 0.0)), 0.4);
        // 100 ms at 256 MB are 25,000 GB-seconds for a million.
        assert_eq!(rounded(per_million_jobs(100.0, 0.0)), 0.7333);
        assert_eq!(rounded(per_million_jobs(0.0, 100.0)), 0.5667);
    }

    #[test]
    fn what_is_computed_takes_longer_on_a_share_of_a_cpu_and_what_is_waited_for_does_not() {
        assert_eq!(on_a_share(10.0, 0.0, 256.0), 10.0);
        assert_eq!(on_a_share(10.0, 2.0, MEMORY_OF_A_CPU / 4.0), 16.0);
        assert_eq!(on_a_share(10.0, 2.0, 2.0 * MEMORY_OF_A_CPU), 10.0);
    }
}
