//! Requests with an AWS signature.

use std::path::Path;
use std::sync::Arc;

use axum::extract::{Path as UrlPath, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use dispatch::dispatcher::StepKind;
use serde_json::{Value, json};
use sigpost_runtime::{Aws, PushSigner};
use tests::boto::{self, REGION};
use tests::moto::Moto;
use tokio::sync::mpsc;

use crate::support::{Received, TestApp, serve};

const KEY: (&str, &str) = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");

/// Recomputes a signature with AWS's own code, and prints the `Authorization` header.
const SIGN: &str = "
import json, sys
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
key, secret, region, sent = sys.argv[1:]
sent = json.loads(sent)
request = AWSRequest(method='POST', url=sent['url'], data=sent['body'].encode(), headers=sent['headers'])
request.context['timestamp'] = sent['headers']['x-amz-date']
auth = SigV4Auth(Credentials(key, secret), 'lambda', region)
canonical = auth.canonical_request(request)
signature = auth.signature(auth.string_to_sign(request, canonical), request)
names = auth.signed_headers(auth.headers_to_sign(request))
print(f'AWS4-HMAC-SHA256 Credential={auth.scope(request)}, SignedHeaders={names}, Signature={signature}', end='')
";

async fn signing_app() -> TestApp {
    TestApp::start_with(|config| {
        let aws = Aws::at("http://127.0.0.1:1".parse().expect("a URL"), REGION, KEY.0, KEY.1);
        let signer = PushSigner::new(&["localhost"], aws).expect("a host");
        config.dispatcher.as_mut().expect("a dispatcher").push_signer = Some(Arc::new(signer));
    })
    .await
}

/// Returns the `Authorization` header that AWS's code computes for the signed parts of a request.
async fn signed_by_aws(moto: &Moto, url: &str, received: &Received) -> String {
    let authorization = received.header("authorization");
    let (_, names) = authorization.split_once("SignedHeaders=").expect("signed headers");
    let names = names.split_once(',').expect("a signature").0.split(';');
    let headers: serde_json::Map<String, Value> =
        names.map(|name| (name.to_owned(), received.header(name).into())).collect();
    let sent = json!({ "url": url, "headers": headers, "body": String::from_utf8_lossy(&received.body) });
    boto::run(Path::new(env!("CARGO_TARGET_TMPDIR")), &moto.url, SIGN, &[KEY.0, KEY.1, REGION, &sent.to_string()]).await
}

#[tokio::test]
async fn request_to_a_listed_host_has_an_aws_signature() {
    let Some(moto) = Moto::start(Path::new(env!("CARGO_TARGET_TMPDIR"))).await else { return };
    let app = signing_app().await;
    let url = app.receiver.url("/job/a%20b?x=1&y=%2F").replace("127.0.0.1", "localhost");
    app.publish(&url, &[("Content-Type", "application/json")], r#"{"name":"Zo\u00eb"}"#).await;
    let received = app.receiver.next().await;
    let authorization = received.header("authorization");
    assert!(authorization.contains("SignedHeaders=content-type;host;x-amz-date"), "{authorization}");
    assert_eq!(authorization, signed_by_aws(&moto, &url, &received).await);
    let tampered = Received { body: "{}".into(), ..received };
    assert_ne!(tampered.header("authorization"), signed_by_aws(&moto, &url, &tampered).await);
}

#[tokio::test]
async fn other_hosts_get_no_aws_signature_and_authorization_conflicts_fail() {
    let app = signing_app().await;
    let own = [("Upstash-Forward-Authorization", "Bearer mine"), ("Upstash-Retries", "0")];
    app.publish_here(&own, "").await;
    assert_eq!(app.receiver.next().await.header("authorization"), "Bearer mine");

    let url = app.receiver.url("/job").replace("127.0.0.1", "localhost");
    let id = app.publish(&url, &own, "").await.id();
    app.wait_for(id, StepKind::Failed).await;
    let error = app.event(id, "ERROR").await["error"].as_str().map(str::to_owned).expect("a text");
    assert!(
        error.contains("the SigV4 signature for localhost (SIGV4_TARGETS)") && !error.contains("Bearer"),
        "{error}"
    );
    assert!(app.receiver.all_so_far().await.is_empty());
}

#[tokio::test]
async fn function_is_invoked_asynchronously() {
    type Invoked = (String, HeaderMap, Value);
    let (sender, mut invoked) = mpsc::unbounded_channel::<Invoked>();
    let invoke = async |State(sender): State<mpsc::UnboundedSender<Invoked>>,
                        UrlPath(name): UrlPath<String>,
                        headers: HeaderMap,
                        event: Bytes| {
        if name == "missing" {
            let error = json!({ "Type": "User", "Message": "Function not found" });
            return (StatusCode::NOT_FOUND, [("x-amzn-errortype", "ResourceNotFoundException")], Json(error));
        }
        sender.send((name, headers, serde_json::from_slice(&event).expect("JSON"))).expect("the test runs");
        (StatusCode::ACCEPTED, [("x-amzn-requestid", "r")], Json(Value::Null))
    };
    let router = Router::new().route("/2015-03-31/functions/{name}/invocations", post(invoke)).with_state(sender);
    let aws = Aws::at(serve(router).await.parse().expect("a URL"), REGION, KEY.0, KEY.1);

    aws.invoke("dispatch", &json!({ "sigpost": "drain" })).await.expect("accepted");
    let (name, headers, event) = invoked.recv().await.expect("invoked");
    assert_eq!((&*name, event), ("dispatch", json!({ "sigpost": "drain" })));
    assert_eq!(headers["x-amz-invocation-type"], "Event");
    let authorization = headers["authorization"].to_str().expect("ASCII");
    assert!(
        authorization
            .contains(&format!("/{REGION}/lambda/aws4_request, SignedHeaders=host;x-amz-date;x-amz-invocation-type"))
    );

    let rejected = aws.invoke("missing", &json!({})).await.expect_err("rejected").to_string();
    assert!(rejected.ends_with("ResourceNotFoundException Function not found"), "{rejected}");
}
