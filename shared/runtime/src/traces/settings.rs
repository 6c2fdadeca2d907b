//! The standard variables of OpenTelemetry:
//! <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>.

use std::collections::HashMap;

use http::{HeaderName, HeaderValue};
use opentelemetry_sdk::trace::Sampler;
use percent_encoding::percent_decode_str;
use url::Url;

use crate::env;
use crate::settings::{
    OTEL_BSP_EXPORT_TIMEOUT, OTEL_BSP_MAX_EXPORT_BATCH_SIZE, OTEL_BSP_MAX_QUEUE_SIZE, OTEL_BSP_SCHEDULE_DELAY,
    OTEL_EXPORTER_OTLP_ENDPOINT as ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS, OTEL_EXPORTER_OTLP_PROTOCOL,
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT as TRACES_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_HEADERS,
    OTEL_EXPORTER_OTLP_TRACES_PROTOCOL, OTEL_RESOURCE_ATTRIBUTES as ATTRIBUTES, OTEL_SDK_DISABLED as DISABLED,
    OTEL_SERVICE_NAME as SERVICE_NAME, OTEL_TRACES_SAMPLER as SAMPLER, OTEL_TRACES_SAMPLER_ARG as SAMPLER_ARG, Setting,
};

/// Variables of traces take precedence over those of all signals.
const HEADERS: [Setting; 2] = [OTEL_EXPORTER_OTLP_TRACES_HEADERS, OTEL_EXPORTER_OTLP_HEADERS];
const PROTOCOL: [Setting; 2] = [OTEL_EXPORTER_OTLP_TRACES_PROTOCOL, OTEL_EXPORTER_OTLP_PROTOCOL];
/// The settings of the span queue: counts, and times in milliseconds. OpenTelemetry's crate reads them.
const BATCH: [Setting; 4] =
    [OTEL_BSP_SCHEDULE_DELAY, OTEL_BSP_EXPORT_TIMEOUT, OTEL_BSP_MAX_QUEUE_SIZE, OTEL_BSP_MAX_EXPORT_BATCH_SIZE];

/// Reads a variable.
type Var<'a> = dyn Fn(Setting) -> Result<Option<String>, Unusable> + 'a;

/// The destination and the sampling of spans.
#[derive(Debug)]
pub struct Settings {
    /// The complete URL, with the path of traces.
    pub(super) endpoint: String,
    pub(super) headers: HashMap<String, String>,
    pub(super) service_name: Option<String>,
    pub(super) sampler: Sampler,
}

/// An invalid setting. The text contains no value, which may be a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{setting} {why}")]
pub struct Unusable {
    /// The variable to change.
    pub setting: &'static str,
    why: &'static str,
}

const fn unusable(setting: Setting, why: &'static str) -> Unusable {
    Unusable { setting: setting.name, why }
}

impl Settings {
    /// Reads the settings. `None` if traces are off, because no endpoint is set or `OTEL_SDK_DISABLED` is true.
    ///
    /// # Errors
    ///
    /// All invalid settings.
    pub fn from_env() -> Result<Option<Self>, Vec<Unusable>> {
        Self::read(&|setting| env::var(setting).map_err(|_| unusable(setting, "is not valid UTF-8")))
    }

    /// Returns all invalid settings, also if traces are off because no endpoint is set.
    pub(crate) fn problems() -> Vec<Unusable> {
        Self::from_env().err().unwrap_or_default()
    }

    fn read(var: &Var<'_>) -> Result<Option<Self>, Vec<Unusable>> {
        let mut problems = Vec::new();
        let mut note = |why: Unusable| problems.push(why);
        if is_disabled(var).unwrap_or_else(|why| {
            note(why);
            false
        }) {
            return Ok(None);
        }
        let endpoint = endpoint(var).unwrap_or_else(|why| {
            note(why);
            None
        });
        check_protocol(var).unwrap_or_else(&mut note);
        let headers = headers(var).unwrap_or_else(|why| {
            note(why);
            HashMap::new()
        });
        let sampler = sampler_of(var).unwrap_or_else(|why| {
            note(why);
            Sampler::AlwaysOff
        });
        for why in BATCH.into_iter().filter_map(|setting| check_number(var, setting).err()) {
            note(why);
        }
        check_attributes(var).unwrap_or_else(&mut note);
        let service_name = var(SERVICE_NAME).unwrap_or_else(|why| {
            note(why);
            None
        });
        match problems.is_empty() {
            true => Ok(endpoint.map(|endpoint| Self { endpoint, headers, service_name, sampler })),
            false => Err(problems),
        }
    }
}

fn is_disabled(var: &Var<'_>) -> Result<bool, Unusable> {
    match var(DISABLED)?.map(|text| text.to_ascii_lowercase()).as_deref() {
        Some("true") => Ok(true),
        Some("false") | None => Ok(false),
        Some(_) => Err(unusable(DISABLED, "must be true or false")),
    }
}

fn endpoint(var: &Var<'_>) -> Result<Option<String>, Unusable> {
    match (var(TRACES_ENDPOINT)?, var(ENDPOINT)?) {
        (Some(url), _) => checked(TRACES_ENDPOINT, url).map(Some),
        (None, Some(url)) => checked(ENDPOINT, format!("{}/v1/traces", url.trim_end_matches('/'))).map(Some),
        (None, None) => Ok(None),
    }
}

fn check_protocol(var: &Var<'_>) -> Result<(), Unusable> {
    match first_of(var, PROTOCOL)? {
        Some((setting, protocol)) if protocol != OTEL_EXPORTER_OTLP_PROTOCOL.default_as::<String>() => {
            Err(unusable(setting, "must be http/protobuf, the only supported protocol"))
        }
        _ => Ok(()),
    }
}

fn headers(var: &Var<'_>) -> Result<HashMap<String, String>, Unusable> {
    let Some((setting, text)) = first_of(var, HEADERS)? else { return Ok(HashMap::new()) };
    pairs(&text).ok_or(unusable(setting, "must be a comma-separated list of headers as name=value"))
}

fn sampler_of(var: &Var<'_>) -> Result<Sampler, Unusable> {
    let name = var(SAMPLER)?.unwrap_or_else(|| SAMPLER.default_as());
    sampler(&name, var(SAMPLER_ARG)?.as_deref())
}

/// Checks a positive number. OpenTelemetry's specification ignores an invalid one with a warning; here it prevents
/// the start, as any invalid setting does.
fn check_number(var: &Var<'_>, setting: Setting) -> Result<(), Unusable> {
    match var(setting)? {
        Some(text) if !text.parse::<usize>().is_ok_and(|number| number > 0) => {
            Err(unusable(setting, "must be a whole number of at least 1"))
        }
        _ => Ok(()),
    }
}

/// Checks the attributes. OpenTelemetry's crate drops invalid ones.
fn check_attributes(var: &Var<'_>) -> Result<(), Unusable> {
    let is_pair = |pair: &String| {
        pair.split_once('=').is_some_and(|(key, value)| {
            !key.trim().is_empty() && percent_decode_str(value.trim()).decode_utf8().is_ok()
        })
    };
    match var(ATTRIBUTES)? {
        Some(text) if !env::split(&text).iter().all(is_pair) => {
            Err(unusable(ATTRIBUTES, "must be a comma-separated list of attributes as key=value"))
        }
        _ => Ok(()),
    }
}

/// Returns the first of two settings that is set, with its name.
fn first_of(var: &Var<'_>, settings: [Setting; 2]) -> Result<Option<(Setting, String)>, Unusable> {
    for setting in settings {
        if let Some(text) = var(setting)? {
            return Ok(Some((setting, text)));
        }
    }
    Ok(None)
}

fn checked(setting: Setting, url: String) -> Result<String, Unusable> {
    let usable = Url::parse(&url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if usable { Ok(url) } else { Err(unusable(setting, "must be an http or https URL")) }
}

/// Parses `a=1,b=2`, with values that may be percent-encoded.
fn pairs(text: &str) -> Option<HashMap<String, String>> {
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
        let valid = HeaderName::from_bytes(name.trim().as_bytes()).is_ok() && HeaderValue::from_str(&value).is_ok();
        valid.then(|| (name.trim().to_owned(), value.into_owned()))
    };
    env::split(text).iter().map(|text| pair(text)).collect()
}

fn sampler(name: &str, argument: Option<&str>) -> Result<Sampler, Unusable> {
    let root = name.strip_prefix("parentbased_");
    let sampler = match root.unwrap_or(name) {
        "always_on" => Sampler::AlwaysOn,
        "always_off" => Sampler::AlwaysOff,
        "traceidratio" => Sampler::TraceIdRatioBased(ratio(argument.unwrap_or("1"))?),
        _ => {
            let why = "must be always_on, always_off or traceidratio, or one of them with the prefix parentbased_";
            return Err(unusable(SAMPLER, why));
        }
    };
    Ok(if root.is_some() { Sampler::ParentBased(Box::new(sampler)) } else { sampler })
}

fn ratio(text: &str) -> Result<f64, Unusable> {
    let ratio = text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
    ratio.ok_or(unusable(SAMPLER_ARG, "must be a number from 0 to 1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(given: &[(Setting, &str)]) -> Result<Option<Settings>, String> {
        let given = given.iter().filter(|(_, value)| !value.is_empty());
        let var =
            |name: &str| given.clone().find(|(given, _)| given.name == name).map(|(_, value)| (*value).to_owned());
        Settings::read(&|setting| Ok(var(setting.name)))
            .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    }

    fn on(given: &[(Setting, &str)]) -> Settings {
        read(given).expect("usable").expect("on")
    }

    #[test]
    fn traces_are_off_without_an_endpoint_and_where_they_are_disabled() {
        assert!(read(&[]).expect("usable").is_none());
        assert!(read(&[(SAMPLER, "always_on"), (HEADERS[1], "a=b")]).expect("usable").is_none());
        assert!(read(&[(ENDPOINT, "http://c"), (DISABLED, "True")]).expect("usable").is_none());
        assert!(read(&[(ENDPOINT, "http://c"), (DISABLED, "false")]).expect("usable").is_some());
    }

    #[test]
    fn what_is_said_of_traces_goes_before_what_is_said_of_all_signals() {
        let all = [(ENDPOINT, "https://c:4318/"), (HEADERS[1], "api-key=a%20b%3D, x = y")];
        let settings = on(&all);
        assert_eq!(settings.endpoint, "https://c:4318/v1/traces");
        let headers = [("api-key", "a b="), ("x", "y")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(settings.headers, HashMap::from(headers));
        let settings = on(&[all[0], all[1], (TRACES_ENDPOINT, "http://t/own"), (HEADERS[0], "t=1")]);
        assert_eq!((settings.endpoint.as_str(), settings.headers.len()), ("http://t/own", 1));
    }

    #[test]
    fn samplers_have_their_standard_names() {
        let sampler = |name, argument| {
            format!("{:?}", on(&[(ENDPOINT, "http://c"), (SAMPLER, name), (SAMPLER_ARG, argument)]).sampler)
        };
        assert_eq!(sampler("", ""), "ParentBased(AlwaysOn)");
        assert_eq!(sampler("traceidratio", "0.25"), "TraceIdRatioBased(0.25)");
        assert_eq!(sampler("parentbased_always_off", ""), "ParentBased(AlwaysOff)");
    }

    #[test]
    fn what_cannot_be_used_is_named_and_no_value_repeated() {
        for (setting, value) in [
            (ENDPOINT, "s3cret"),
            (ENDPOINT, "s3cret:4318"),
            (TRACES_ENDPOINT, "ftp://s3cret"),
            (PROTOCOL[0], "grpc"),
            (PROTOCOL[1], "http/json"),
            (HEADERS[1], "s3cret"),
            (HEADERS[0], "a=s3cret%0A"),
            (SAMPLER, "s3cret"),
            (SAMPLER_ARG, "1.5"),
            (DISABLED, "s3cret"),
            (BATCH[0], "s3cret"),
            (BATCH[0], "0"),
            (BATCH[1], "1.5"),
            (BATCH[2], "-1"),
            (BATCH[3], "5s"),
            (ATTRIBUTES, "s3cret"),
            (ATTRIBUTES, "a=b,=s3cret"),
            (ATTRIBUTES, "a=s3cret%FF"),
        ] {
            // With an endpoint and without one.
            for endpoint in ["http://c", ""] {
                let given = [(setting, value), (ENDPOINT, endpoint), (SAMPLER, "traceidratio")];
                let said = read(&given).expect_err(setting.name);
                assert!(said.starts_with(&format!("{} must be ", setting.name)) && !said.contains("s3cret"), "{said}");
            }
            let disabled = read(&[(DISABLED, "true"), (setting, value)]);
            assert!(
                disabled.is_ok_and(|settings| settings.is_none()) || setting.name == DISABLED.name,
                "{}",
                setting.name
            );
        }
        let all = read(&[(PROTOCOL[1], "grpc"), (SAMPLER, "some"), (ATTRIBUTES, "a")]).expect_err("three");
        assert_eq!(all.matches(" must be ").count(), 3, "{all}");
    }

    #[test]
    fn attributes_and_the_queue_are_taken_as_opentelemetry_documents_them() {
        let attributes = "service.namespace=shop, deployment.environment.name=eu%20west,";
        for (setting, value) in [(ATTRIBUTES, attributes), (BATCH[0], "5000"), (BATCH[3], "512")] {
            assert!(read(&[(ENDPOINT, "http://c"), (setting, value)]).is_ok_and(|settings| settings.is_some()));
        }
    }
}
