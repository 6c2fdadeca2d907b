//! What OpenTelemetry's standard variables say: <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>.

use std::collections::HashMap;

use http::{HeaderName, HeaderValue};
use opentelemetry_sdk::trace::Sampler;
use percent_encoding::percent_decode_str;
use url::Url;

use crate::env;

const DISABLED: &str = "OTEL_SDK_DISABLED";
const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";
const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
const SAMPLER_ARG: &str = "OTEL_TRACES_SAMPLER_ARG";
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
/// What is said of traces goes before what is said of all signals.
const HEADERS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"];
const PROTOCOL: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];

/// The only protocol that is spoken here.
const SPOKEN: &str = "http/protobuf";

/// Where spans go, and which.
#[derive(Debug)]
pub struct Settings {
    /// Whole, with the path of traces.
    pub(super) endpoint: String,
    pub(super) headers: HashMap<String, String>,
    pub(super) service_name: Option<String>,
    pub(super) sampler: Sampler,
}

/// A setting that cannot be used. The text repeats no value: it may be a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{setting} {why}")]
pub struct Unusable {
    /// The variable to change.
    pub setting: &'static str,
    why: &'static str,
}

const fn unusable(setting: &'static str, why: &'static str) -> Unusable {
    Unusable { setting, why }
}

impl Settings {
    /// Reads them. `None`: traces are off, because no endpoint is set or `OTEL_SDK_DISABLED` is true.
    ///
    /// # Errors
    ///
    /// The first setting that cannot be used.
    pub fn from_env() -> Result<Option<Self>, Unusable> {
        Self::read(|name| env::var(name).map_err(|_| unusable(name, "is not valid UTF-8")))
    }

    fn read(var: impl Fn(&'static str) -> Result<Option<String>, Unusable>) -> Result<Option<Self>, Unusable> {
        let first_of = |names: [&'static str; 2]| {
            let given = names.map(|name| Ok((name, var(name)?)));
            let given = given.into_iter().collect::<Result<Vec<_>, _>>()?;
            Ok(given.into_iter().find_map(|(name, text)| Some((name, text?))))
        };
        match var(DISABLED)?.map(|text| text.to_ascii_lowercase()).as_deref() {
            Some("true") => return Ok(None),
            Some("false") | None => {}
            Some(_) => return Err(unusable(DISABLED, "must be true or false")),
        }
        let endpoint = match (var(TRACES_ENDPOINT)?, var(ENDPOINT)?) {
            (Some(url), _) => checked(TRACES_ENDPOINT, url)?,
            (None, Some(url)) => checked(ENDPOINT, format!("{}/v1/traces", url.trim_end_matches('/')))?,
            (None, None) => return Ok(None),
        };
        if let Some((setting, protocol)) = first_of(PROTOCOL)?
            && protocol != SPOKEN
        {
            return Err(unusable(setting, "must be http/protobuf, the only protocol that is spoken here"));
        }
        let headers = first_of(HEADERS)?.map_or_else(
            || Ok(HashMap::new()),
            |(setting, text)| {
                pairs(&text).ok_or(unusable(setting, "must be headers as name=value, separated by commas"))
            },
        )?;
        let sampler =
            sampler(var(SAMPLER)?.as_deref().unwrap_or("parentbased_always_on"), var(SAMPLER_ARG)?.as_deref())?;
        Ok(Some(Self { endpoint, headers, service_name: var(SERVICE_NAME)?, sampler }))
    }
}

fn checked(setting: &'static str, url: String) -> Result<String, Unusable> {
    let usable = Url::parse(&url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if usable { Ok(url) } else { Err(unusable(setting, "must be a URL with http or https")) }
}

/// `a=1,b=2`, with values that may be percent-encoded.
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
            let why = "must be always_on, always_off or traceidratio, or one of them after parentbased_";
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

    fn read(given: &[(&str, &str)]) -> Result<Option<Settings>, String> {
        let given = given.iter().filter(|(_, value)| !value.is_empty());
        let var = |name: &str| given.clone().find(|(given, _)| *given == name).map(|(_, value)| (*value).to_owned());
        Settings::read(|name| Ok(var(name))).map_err(|why| why.to_string())
    }

    fn on(given: &[(&str, &str)]) -> Settings {
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
        ] {
            let given = [(setting, value), (ENDPOINT, "http://c"), (SAMPLER, "traceidratio")];
            let said = read(&given).expect_err(setting);
            assert!(said.starts_with(&format!("{setting} must be ")) && !said.contains("s3cret"), "{said}");
        }
    }
}
