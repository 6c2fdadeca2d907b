//! Allowed targets of deliveries, and the API as seen from outside.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyhow::Result;
use jiff::fmt::rfc2822;
use reqwest::{StatusCode, Url};
use sigpost_client::{Call, Client, Credentials, Error};
use sigpost_qstash::SigningKeys;
use sigpost_runtime::AddressPolicy;
use sigpost_store::signing_keys as stored;
use tokio::time::Instant;

use super::database::{judge_clock, now_s};
use super::finding::{Finding, lasting};
use super::subject::{PATIENCE, Subject};
use crate::output::counted;

/// Metadata services of clouds, which return the credentials of the machine.
const METADATA: [IpAddr; 3] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
];
const METADATA_HOST: &str = "metadata.google.internal";
const WITHOUT_URL: &str = "give --url or QSTASH_URL, the URL at which the API is reached from outside";

pub(super) async fn private_targets(subject: &Subject) -> Result<Finding> {
    Ok(judge_policy(&subject.config.address_policy))
}

fn judge_policy(policy: &AddressPolicy) -> Finding {
    let open = METADATA.iter().filter(|address| policy.check_address(**address).is_ok()).map(ToString::to_string);
    let mut open: Vec<String> = open.collect();
    open.extend(policy.allows_host(METADATA_HOST).then(|| METADATA_HOST.to_owned()));
    if !open.is_empty() {
        return Finding::failed(
            format!("deliveries to {} are allowed", open.join(", ")),
            "a metadata service returns the credentials of the machine: a publisher can read them in a callback",
            "list only the networks and hosts of your handlers in ALLOW_TARGETS",
        );
    }
    let here = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    if here.iter().any(|address| policy.check_address(*address).is_ok()) {
        return Finding::warned(
            "deliveries to this machine are allowed",
            "a publisher can reach every service on it, such as an admin interface",
            "remove loopback addresses from ALLOW_TARGETS, unless handlers run on this machine",
        );
    }
    Finding::passed("deliveries to this machine and to metadata services are not allowed")
}

pub(super) async fn plain_targets(subject: &Subject) -> Result<Finding> {
    Ok(judge_plain(&subject.traffic().await?.plain_hosts))
}

fn judge_plain(hosts: &[String]) -> Finding {
    match hosts {
        [] => Finding::passed("all destinations of schedules, URL groups and pending messages use https"),
        _ => Finding::warned(
            format!("{} without https", counted(hosts.len(), "host")),
            format!("payloads cross the network unencrypted, although signed: {}", hosts.join(", ")),
            "publish to https:// URLs; http can be acceptable within a private network",
        ),
    }
}

pub(super) async fn api_tls(subject: &Subject) -> Result<Finding> {
    Ok(subject.url.as_ref().map_or_else(|| Finding::skipped(WITHOUT_URL), judge_tls))
}

fn judge_tls(url: &Url) -> Finding {
    let here = AddressPolicy::with_loopback();
    let is_here = AddressPolicy::public_only().check_url(url).is_err() && here.check_url(url).is_ok();
    match (url.scheme(), is_here) {
        ("https", _) => Finding::passed("https"),
        (scheme, true) => Finding::passed(format!("{scheme}, on this machine")),
        (scheme, false) => Finding::failed(
            scheme,
            "tokens and payloads cross the network unencrypted",
            "put a proxy or load balancer with a certificate in front, and use the https:// URL",
        ),
    }
}

/// Creates a client of the API.
fn client(url: &Url, credentials: Credentials) -> Result<Client> {
    Ok(Client::with_timeout(url.as_str(), credentials, PATIENCE)?)
}

/// Sends a request and returns its status, or the reason for its absence.
async fn probe<T>(call: Call<T>) -> Result<StatusCode, String> {
    call.response().await.map(|response| response.status).map_err(cause)
}

/// Returns the cause of an error. The findings name the URL themselves.
fn cause(error: Error) -> String {
    match error {
        Error::Unreachable { cause, .. } => cause,
        other => other.to_string(),
    }
}

pub(super) async fn api_health(subject: &Subject) -> Result<Finding> {
    let Some(url) = &subject.url else { return Ok(Finding::skipped(WITHOUT_URL)) };
    let api = client(url, Credentials::None)?;
    let begun_at = Instant::now();
    let answers = [("/healthz", probe(api.get_liveness()).await), ("/readyz", probe(api.get_readiness()).await)];
    Ok(judge_health(&answers, begun_at.elapsed().as_secs_f64()))
}

fn judge_health(answers: &[(&str, Result<StatusCode, String>)], took_s: f64) -> Finding {
    let bad: Vec<String> = answers
        .iter()
        .filter_map(|(path, answer)| match answer {
            Ok(status) if status.is_success() => None,
            Ok(status) => Some(format!("{path} responds {status}")),
            Err(why) => Some(format!("no response from {path}: {why}")),
        })
        .collect();
    match bad[..] {
        [] => Finding::passed(format!("/healthz and /readyz respond in {}", lasting(took_s))),
        _ => Finding::failed(
            format!("{} of {} probes failed", bad.len(), answers.len()),
            bad.join("; "),
            "check that `sigpost serve` runs there, its log, and its connection to the database",
        ),
    }
}

pub(super) async fn api_authorization(subject: &Subject) -> Result<Finding> {
    let Some(url) = &subject.url else { return Ok(Finding::skipped(WITHOUT_URL)) };
    let without = probe(client(url, Credentials::None)?.list_queues()).await;
    let with = probe(client(url, subject.token())?.list_queues()).await;
    Ok(judge_authorization(without, with))
}

fn judge_authorization(without: Result<StatusCode, String>, with: Result<StatusCode, String>) -> Finding {
    let (without, with) = match (without, with) {
        (Ok(without), Ok(with)) => (without, with),
        (Err(why), _) | (_, Err(why)) => {
            return Finding::failed("no response", why, "see `api-health`");
        }
    };
    let figure = format!("{} without a token, {} with QSTASH_TOKEN", without.as_u16(), with.as_u16());
    if without != StatusCode::UNAUTHORIZED {
        let reason = "a request without a token is not rejected; the URL may not be an API of sigpost";
        return Finding::failed(figure, reason, "check the proxy in front: it must forward Authorization unchanged");
    }
    match with.is_success() {
        true => Finding::passed(figure),
        false => Finding::failed(
            figure,
            "the API does not accept the QSTASH_TOKEN of this environment",
            "set the same QSTASH_TOKEN for both; a proxy in front must forward Authorization",
        ),
    }
}

pub(super) async fn api_database(subject: &Subject) -> Result<Finding> {
    let Some(url) = &subject.url else { return Ok(Finding::skipped(WITHOUT_URL)) };
    let here = stored::find(&mut *subject.session().await?).await?;
    let there = client(url, subject.token())?.get_keys().await.map_err(cause);
    Ok(judge_same(here.as_ref(), there))
}

fn judge_same(here: Option<&SigningKeys>, there: Result<SigningKeys, String>) -> Finding {
    match there {
        Err(why) => {
            Finding::failed("the API returned no signing keys", why, "see `api-health` and `api-authorization`")
        }
        Ok(there) if here == Some(&there) => Finding::passed("both have the same signing keys"),
        Ok(_) => Finding::failed(
            "the API has other signing keys than DATABASE_URL",
            "the API uses another database: the other findings are not about it",
            "use the --url and DATABASE_URL of the same deployment",
        ),
    }
}

pub(super) async fn api_clock(subject: &Subject) -> Result<Finding> {
    let Some(url) = &subject.url else { return Ok(Finding::skipped(WITHOUT_URL)) };
    let response = match client(url, Credentials::None)?.get_liveness().response().await {
        Ok(response) => response,
        Err(why) => return Ok(Finding::failed("no response", cause(why), "see `api-health`")),
    };
    let date = response.headers.get("date").and_then(|date| date.to_str().ok());
    let Some(date) = date.and_then(|date| rfc2822::parse(date).ok()) else {
        return Ok(Finding::skipped("the response has no Date header"));
    };
    // `Date` has a resolution of one second: assume the middle.
    Ok(judge_clock("the API's clock", date.timestamp().as_duration().as_secs_f64() + 0.5 - now_s(), &subject.rules))
}

#[cfg(test)]
mod tests {
    use super::super::finding::State::{Failed, Passed, Warned};
    use super::*;

    #[test]
    fn policy_may_open_networks_but_not_the_metadata_service() {
        for (list, expected) in [
            (&[][..], Passed),
            (&["10.0.0.0/8", "*.internal.example"], Passed),
            (&["127.0.0.1"], Warned),
            (&["::1"], Warned),
            (&["169.254.0.0/16"], Failed),
            (&["0.0.0.0/0"], Failed),
            (&["fd00::/8"], Failed),
            (&["*.internal"], Failed),
        ] {
            let policy = AddressPolicy::allowing(list).expect("a list");
            assert_eq!(judge_policy(&policy).state, expected, "{list:?}");
        }
    }

    #[test]
    fn plain_http_is_for_this_machine() {
        for (url, expected) in [
            ("https://jobs.example", Passed),
            ("http://127.0.0.1:8080", Passed),
            ("http://localhost:8080", Passed),
            ("http://jobs.example", Failed),
            ("http://10.0.0.1", Failed),
        ] {
            assert_eq!(judge_tls(&Url::parse(url).expect("a URL")).state, expected, "{url}");
        }
        assert_eq!(judge_plain(&["a".into()]).state, Warned);
    }

    #[test]
    fn api_must_answer_and_reject_strangers() {
        let (ok, rejected, down) = (Ok(StatusCode::OK), Ok(StatusCode::UNAUTHORIZED), Err("rejected".to_owned()));
        for (without, with, expected) in [
            (rejected.clone(), ok.clone(), Passed),
            (ok.clone(), ok.clone(), Failed),
            (rejected.clone(), rejected.clone(), Failed),
            (down.clone(), ok.clone(), Failed),
        ] {
            assert_eq!(judge_authorization(without, with).state, expected);
        }
        assert_eq!(judge_health(&[("/healthz", ok.clone()), ("/readyz", ok.clone())], 0.0).state, Passed);
        let unready = Ok(StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(judge_health(&[("/healthz", ok), ("/readyz", unready)], 0.0).state, Failed);
        let keys = SigningKeys::generate();
        assert_eq!(judge_same(Some(&keys), Ok(keys.clone())).state, Passed);
        assert_eq!(judge_same(Some(&keys), Ok(SigningKeys::generate())).state, Failed);
        assert_eq!(judge_same(None, down.map(|_: StatusCode| keys)).state, Failed);
    }
}
