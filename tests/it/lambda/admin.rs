//! The admin function behind a function URL with IAM authorization.

use std::collections::HashMap;
use std::time::Duration;

use lambda_emulator::{Definition, Function};
use serde_json::{Value, json};

use super::program;
use crate::support::TestDatabase;

/// Creates the function with these settings.
fn admin(database: &TestDatabase, settings: &[(&str, &str)]) -> Function {
    let always = [("DATABASE_URL", database.url.as_str()), ("RUST_LOG", "warn")];
    let variables = always.iter().chain(settings).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Function::new(Definition {
        program: program("admin", env!("CARGO_BIN_EXE_admin-function")),
        variables: variables.collect(),
        timeout: Duration::from_secs(30),
        concurrency: 1,
        managed: None,
        log: true,
    })
}

/// Returns the caller identity that a URL with `AWS_IAM` adds to a request.
fn signed() -> Value {
    json!({ "iam": {
        "accessKey": "AKIAEXAMPLE", "accountId": "123456789012", "callerId": "AIDAEXAMPLE", "cognitoIdentity": null,
        "principalOrgId": null, "userArn": "arn:aws:iam::123456789012:user/operator", "userId": "AIDAEXAMPLE",
    } })
}

/// Sends a request with the caller identity that its URL adds.
async fn get(function: &Function, path: &str, headers: &[(&str, &str)], authorizer: &Value) -> (u64, String) {
    let headers: HashMap<_, _> = headers.iter().copied().collect();
    let event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "", "headers": headers,
        "requestContext": {
            "accountId": "123456789012", "apiId": "url", "authorizer": authorizer,
            "domainName": "url.lambda-url.eu-central-1.on.aws", "domainPrefix": "url", "requestId": "r",
            "routeKey": "$default", "stage": "$default", "timeEpoch": 1_795_305_600_000_i64,
            "http": {
                "method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7", "userAgent": "",
            },
        },
        "isBase64Encoded": false,
    });
    let answer = function.invoke(event).await.expect("a response");
    function.at_rest().await;
    (answer["statusCode"].as_u64().expect("a status"), answer["body"].as_str().unwrap_or_default().to_owned())
}

const HEALTH: &str = "/api/admin/job-health";

#[tokio::test]
async fn iam_replaces_the_admin_token() {
    let database = TestDatabase::new().await;
    let admin = admin(&database, &[("ADMIN_AUTH", "iam")]);
    let (status, body) = get(&admin, HEALTH, &[], &signed()).await;
    assert_eq!((status, body.contains(r#""health":"healthy""#)), (200, true), "{body}");
    let forged = signed().to_string();
    let headers = [("x-amzn-request-context", forged.as_str()), ("authorization", "AWS4-HMAC-SHA256 Credential=AKIA")];
    for authorizer in [Value::Null, json!({}), json!({ "iam": null }), json!({ "jwt": { "claims": {} } })] {
        let (status, body) = get(&admin, HEALTH, &headers, &authorizer).await;
        assert_eq!((status, body.contains("AuthType AWS_IAM")), (401, true), "{authorizer} {body}");
    }
    assert_eq!(get(&admin, "/console", &[], &signed()).await.0, 404, "a browser cannot sign");
}

#[tokio::test]
async fn aws_signature_does_not_replace_the_admin_token() {
    let database = TestDatabase::new().await;
    let token = crate::admin::TOKEN;
    let admin = admin(&database, &[("ADMIN_TOKEN", token)]);
    assert_eq!(get(&admin, HEALTH, &[], &signed()).await.0, 401);
    let bearer = format!("Bearer {token}");
    assert_eq!(get(&admin, HEALTH, &[("authorization", &bearer)], &Value::Null).await.0, 200);
}
