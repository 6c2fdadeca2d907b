//! Destinations outside the public internet are rejected.

use std::net::{IpAddr, ToSocketAddrs};

use dispatch::dispatcher::StepKind;
use jiff::Timestamp;
use reqwest::StatusCode;
use sigpost_qstash::verify::DEFAULT_TOLERANCE;
use sigpost_qstash::{SigningKeys, Verifier};
use sigpost_runtime::AddressPolicy;

use crate::support::{Receiver, TestApp};

/// Returns the complete error, which names the setting. It is the same at publish and at an attempt.
fn rejected(address: &str) -> String {
    format!(
        "invalid destination url: endpoint resolves to a {address}; to permit it, name it in ALLOW_TARGETS \
         (serve: --allow-targets)"
    )
}

#[tokio::test]
async fn non_public_address_is_rejected_in_every_notation() {
    let app = TestApp::start_with(|config| config.address_policy = AddressPolicy::public_only()).await;
    for (destination, rejection) in [
        ("http://127.0.0.1/", "loopback address: 127.0.0.1"),
        ("http://127.8.9.10:8080/", "loopback address: 127.8.9.10"),
        ("http://[::1]/", "loopback address: ::1"),
        ("http://[::ffff:127.0.0.1]/", "loopback address: 127.0.0.1"),
        ("http://[::ffff:a00:1]/", "private address: 10.0.0.1"),
        ("http://2130706433/", "loopback address: 127.0.0.1"),
        ("http://0x7f000001/", "loopback address: 127.0.0.1"),
        ("http://0177.0.0.1/", "loopback address: 127.0.0.1"),
        ("http://127.1/", "loopback address: 127.0.0.1"),
        ("http://localhost:8080/", "loopback address: ::1"),
        ("http://LocalHost./", "loopback address: ::1"),
        ("http://api.localhost/", "loopback address: ::1"),
        ("http://user:secret@127.0.0.1/", "loopback address: 127.0.0.1"),
        ("http%3A%2F%2F%31%32%37.0.0.1%2F", "loopback address: 127.0.0.1"),
        ("http://[::ffff:0:a9fe:a9fe]/", "link-local address: 169.254.169.254"),
        ("http://[::0.0.1.1]/", "unspecified address: 0.0.1.1"),
        ("http://[5f00::1]/", "reserved address: 5f00::1"),
        ("http://0.0.0.0/", "unspecified address: 0.0.0.0"),
        ("http://10.1.2.3/", "private address: 10.1.2.3"),
        ("http://172.16.0.1/", "private address: 172.16.0.1"),
        ("http://192.168.1.1/", "private address: 192.168.1.1"),
        ("http://[fd00::1]/", "private address: fd00::1"),
        ("http://100.64.0.1/", "shared address: 100.64.0.1"),
        ("http://169.254.169.254/latest/meta-data/", "link-local address: 169.254.169.254"),
        ("http://[fe80::1]/", "link-local address: fe80::1"),
        ("http://[fd00:ec2::254]/", "private address: fd00:ec2::254"),
    ] {
        let answer = app.publish(destination, &[], "").await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{destination}");
        assert_eq!(answer.error(), rejected(rejection), "{destination}");
    }
    for header in ["Upstash-Callback", "Upstash-Failure-Callback"] {
        let answer = app.publish("https://example.com/", &[(header, "http://127.0.0.1/")], "").await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{header}");
    }
    assert_eq!(app.database.count("select count(*) from messages").await, 0);
}

#[tokio::test]
async fn name_resolving_to_a_non_public_address_fails_the_attempt() {
    let app = TestApp::start_with(|config| config.address_policy = AddressPolicy::public_only()).await;
    let (name, address) = local_name();
    let destination = app.receiver.url("/hook").replace("127.0.0.1", &name);
    let published = app.publish(&destination, &[("Upstash-Retries", "0")], "").await;
    assert_eq!(published.status, StatusCode::OK, "nothing is looked up when publishing");

    app.wait_for(published.id(), StepKind::Failed).await;
    let error = app.event(published.id(), "ERROR").await["error"].as_str().expect("an error").to_owned();
    assert!(error.starts_with("invalid destination url: endpoint resolves to a "), "{error}");
    // Publishers must not learn the addresses that a name resolves to.
    assert!(error.contains(" address; ") && !error.contains(&address.to_string()), "{error}");
    assert!(error.contains("ALLOW_TARGETS") && error.contains("--allow-targets"), "{error}");
    assert!(app.receiver.all_so_far().await.is_empty());
}

#[tokio::test]
async fn destination_is_checked_again_at_each_attempt() {
    let open = TestApp::start_with(|config| config.dispatcher = None).await;
    let id = open.publish_here(&[("Upstash-Retries", "0")], "").await.id();

    let closed = TestApp::start_on(&open.database, |config| config.address_policy = AddressPolicy::public_only()).await;
    closed.wait_for(id, StepKind::Failed).await;
    assert_eq!(closed.event(id, "ERROR").await["error"], rejected("loopback address: 127.0.0.1"));
    assert!(open.receiver.all_so_far().await.is_empty());
}

#[tokio::test]
async fn allow_list_permits_networks_and_names() {
    for (allowed, host) in [
        ("127.0.0.0/8", "127.0.0.1"),
        ("127.0.0.1", "127.0.0.1"),
        ("localhost", "localhost"),
        // The name also resolves to ::1, which is not permitted.
        ("127.0.0.1", "localhost"),
    ] {
        let policy = AddressPolicy::allowing(&[allowed]).expect("a list");
        let app = TestApp::start_with(|config| config.address_policy = policy).await;
        let destination = app.receiver.url("/hook").replace("127.0.0.1", host);
        let published = app.publish(&destination, &[], "").await;
        assert_eq!(published.status, StatusCode::OK, "{allowed}");
        app.receiver.next().await;

        let other = app.publish("http://10.0.0.1/", &[], "").await;
        assert_eq!(other.status, StatusCode::BAD_REQUEST, "{allowed}");
    }
}

#[tokio::test]
async fn host_override_changes_the_address_and_keeps_the_name() {
    let elsewhere = Receiver::start().await;
    let leads = elsewhere.url("").replace("http://", "Billing.example=").parse().expect("an override");
    let policy = AddressPolicy::public_only().with_overrides(vec![leads]);
    let app = TestApp::start_with(|config| config.address_policy = policy).await;
    let destination = "http://billing.example/hook";
    assert_eq!(app.publish(destination, &[], "paid").await.status, StatusCode::OK);
    let request = elsewhere.next().await;
    assert_eq!((request.header("host"), request.uri.path()), ("billing.example", "/hook"));
    let verifier = Verifier::new(&SigningKeys::dev(), DEFAULT_TOLERANCE);
    let signature = request.header("upstash-signature");
    assert!(verifier.verify(signature, destination, b"paid", Timestamp::now()).is_ok());

    // The URL keeps its port; the override changes only the address.
    let other = Receiver::start().await;
    app.publish(&other.url("/hook").replace("127.0.0.1", "billing.example"), &[], "").await;
    assert_eq!(
        format!("http://{}", other.next().await.header("host")),
        other.url("").replace("127.0.0.1", "billing.example")
    );
    assert!(elsewhere.all_so_far().await.is_empty());
}

/// Returns a name of this machine other than `localhost`, which is rejected without a lookup. Asks the resolver,
/// because `/etc/hosts` is not its only source.
fn local_name() -> (String, IpAddr) {
    let hosts = std::fs::read_to_string("/etc/hosts").expect("/etc/hosts");
    let names = hosts.lines().flat_map(|line| line.split('#').next().unwrap_or_default().split_whitespace().skip(1));
    names
        .filter(|name| *name != "localhost" && !name.ends_with(".localhost"))
        .find_map(|name| {
            let mut resolved = (name, 0).to_socket_addrs().ok()?.map(|address| address.ip());
            let address = resolved.next()?;
            let local =
                AddressPolicy::public_only().check_address(address).is_err() && resolved.all(|ip| ip == address);
            local.then(|| (name.to_owned(), address))
        })
        .expect("/etc/hosts names an address of this machine by another name than localhost")
}
