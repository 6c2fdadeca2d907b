//! The settings of every process: logs, traces, listening address and connections, endpoints of AWS.

use super::{Problem, Reading, http_url};
use crate::settings::{
    AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_LAMBDA, AWS_ENDPOINT_URL_SECRETS_MANAGER, AWS_ENDPOINT_URL_SSM,
};
use crate::{serve, telemetry, traces};

/// Returns the problems with these settings.
pub(super) fn problems() -> Vec<Problem> {
    let mut reading = Reading::as_far_as_set();
    telemetry::check(&mut reading);
    serve::address(&mut reading);
    serve::check(&mut reading);
    for endpoint in [AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_LAMBDA, AWS_ENDPOINT_URL_SECRETS_MANAGER, AWS_ENDPOINT_URL_SSM]
    {
        reading.checked(endpoint, |text| http_url(endpoint.name, text));
    }
    let traces = traces::Settings::problems().into_iter();
    reading.problems.extend(traces.map(|why| Problem::error(why.setting, why.to_string())));
    reading.problems
}
