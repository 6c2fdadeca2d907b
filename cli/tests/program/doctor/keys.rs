use sigpost_qstash::{DEV_CURRENT_KEY, DEV_NEXT_KEY, DEV_TOKEN, SigningKeys};

use super::Deployment;

fn insert(keys: &SigningKeys) -> String {
    let SigningKeys { current, next } = keys;
    format!("delete from signing_keys; insert into signing_keys (current, next) values ('{current}', '{next}')")
}

#[tokio::test]
async fn public_or_weak_signing_keys_are_a_fault() {
    let deployment = Deployment::new("doctor_keys").await;
    deployment.says("signing-keys", "warned", &["none"]);
    deployment.execute(&insert(&SigningKeys::generate())).await;
    deployment.says("signing-keys", "passed", &["32 bytes"]);
    deployment.execute(&insert(&SigningKeys::dev())).await;
    deployment.says("signing-keys", "failed", &["public development key"]);
    deployment.execute("update signing_keys set current = 'short', next = 'shorter'").await;
    deployment.says("signing-keys", "failed", &["5 bytes"]);
}

#[tokio::test]
async fn signing_keys_that_were_never_rotated_are_noticed() {
    let deployment = Deployment::new("doctor_key_age").await;
    deployment.execute(&insert(&SigningKeys::generate())).await;
    deployment.says("key-age", "passed", &[]);
    deployment.execute("update signing_keys set rotated_at = now() - interval '366 days'").await;
    deployment.says("key-age", "warned", &["366 days since the last rotation"]);
}

#[tokio::test]
async fn keys_in_the_environment_that_the_database_has_not_are_a_fault() {
    let deployment = Deployment::new("doctor_key_settings").await;
    let given = SigningKeys::generate();
    let environment =
        [("QSTASH_CURRENT_SIGNING_KEY", given.current.as_str()), ("QSTASH_NEXT_SIGNING_KEY", given.next.as_str())];
    let says = |state: &str| deployment.says_with(&environment, &[], "key-settings", state, &[]);
    deployment.execute(&insert(&given)).await;
    says("passed");
    deployment.execute(&insert(&given.rotate())).await;
    says("warned");
    deployment.execute(&insert(&given.rotate().rotate())).await;
    deployment.says_with(&environment, &[], "key-settings", "failed", &["reject every delivery"]);
    let dev = [("QSTASH_CURRENT_SIGNING_KEY", DEV_CURRENT_KEY), ("QSTASH_NEXT_SIGNING_KEY", DEV_NEXT_KEY)];
    deployment.says_with(&dev, &[], "settings", "failed", &["public development"]);
}

#[tokio::test]
async fn public_or_weak_tokens_are_reported() {
    let deployment = Deployment::new("doctor_api_token").await;
    deployment.says("api-token", "passed", &["17 characters"]);
    deployment.says_with(&[("QSTASH_TOKEN", "mine")], &[], "api-token", "warned", &["can be guessed"]);
    deployment.says_with(&[("QSTASH_TOKEN", DEV_TOKEN)], &[], "api-token", "failed", &["public development token"]);
    deployment.says_with(&[("QSTASH_TOKEN", "")], &[], "api-token", "failed", &["not set"]);
}

const LONG: &str = "another-token-of-my-own-and-long";

#[tokio::test]
async fn an_admin_token_is_needed_and_is_not_the_apis() {
    let deployment = Deployment::new("doctor_admin_token").await;
    deployment.says("admin-token", "warned", &["no admin API"]);
    let same = [("ADMIN_TOKEN", LONG), ("QSTASH_TOKEN", LONG)];
    deployment.says_with(&same, &[], "admin-token", "warned", &["it equals QSTASH_TOKEN"]);
    deployment.says_with(
        &[("ADMIN_TOKEN", "operator")],
        &[],
        "admin-token",
        "failed",
        &["8 characters: use at least 32"],
    );
    deployment.says_with(&[("ADMIN_TOKEN", LONG)], &[], "admin-token", "passed", &[]);
    deployment.says_with(&[("ADMIN_TOKEN", DEV_TOKEN)], &[], "admin-token", "failed", &[]);
}

#[tokio::test]
async fn old_tokens_are_named_and_requests_should_be_limited() {
    let deployment = Deployment::new("doctor_tokens").await;
    let token = |name: &str, age: &str| {
        format!(
            "insert into api_tokens (name, hash, scope, created_at)
             values ('{name}', sha256('{name}'), 'full', now() - interval '{age}')"
        )
    };
    deployment.execute(&token("new", "1 day")).await;
    deployment.says("named-tokens", "passed", &["1 named"]);
    deployment.execute(&token("forgotten", "400 days")).await;
    deployment.says("named-tokens", "warned", &["older than a year: forgotten"]);
    deployment.says("rate-limit", "passed", &["100 requests"]);
    deployment.says_with(&[("API_RATE_LIMIT_PER_SECOND", "0")], &[], "rate-limit", "warned", &["0 of 2 named tokens"]);
}
