//! Routes of the admin function.

use std::sync::Arc;

use anyhow::Result;
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use sigpost_health::Rules;
use sigpost_store::Database;

use crate::admin_token::AdminToken;
use crate::authorization::{Authorization, require_authorization};
use crate::job_health::get_job_health;
use crate::job_metrics::get_job_metrics;
use crate::lists::{get_keys, list_active, list_dead_letters, list_schedules, list_throttle};
use crate::prometheus::{OwnMetrics, get_metrics};
use crate::queue_depth::get_queue_depth;
use crate::stats::get_stats;
use crate::{Config, ConsoleConfig, console};

/// Returns the routes of the API. `rules` are the thresholds of job health.
pub fn router(database: Database, authorization: Authorization, rules: Rules) -> Router {
    let health = Router::new()
        .route("/api/admin/job-health", get(get_job_health))
        .with_state((database.clone(), Arc::new(rules)));
    Router::new()
        .route("/api/admin/job-metrics", get(get_job_metrics))
        .route("/api/admin/queue-depth", get(get_queue_depth))
        .route("/api/admin/stats", get(get_stats))
        .route("/api/admin/active", get(list_active))
        .route("/api/admin/dead-letters", get(list_dead_letters))
        .route("/api/admin/schedules", get(list_schedules))
        .route("/api/admin/throttle", get(list_throttle))
        .route("/api/admin/keys", get(get_keys))
        .with_state(database)
        .merge(health)
        .route_layer(from_fn_with_state(authorization, require_authorization))
}

/// Returns the route `GET /metrics` of a long-running process. It requires the token; `own` adds the metrics of the
/// process.
pub fn metrics_router(database: Database, token: AdminToken, own: OwnMetrics) -> Router {
    let authorization = from_fn_with_state(Authorization::Token(token.clone()), require_authorization);
    Router::new().route("/metrics", get(get_metrics)).route_layer(authorization).with_state((database, token, own))
}

/// Returns the routes of the API and the console, configured from the environment as in [`Config::from_env`]. There is
/// a console only with a token, because browsers cannot sign requests for AWS.
///
/// # Errors
///
/// Names all variables that are missing or invalid.
pub fn router_from_env() -> Result<Router> {
    let Config { database, authorization, api, rules } = Config::from_env()?;
    let router = router(database.clone(), authorization.clone(), rules.clone());
    let Authorization::Token(admin_token) = authorization else { return Ok(router) };
    let Some((api_url, api_token)) = api else {
        tracing::warn!("console disabled: set both QSTASH_URL and QSTASH_TOKEN");
        return Ok(router);
    };
    // The base URLs of the handlers are unknown here, so the publish form suggests no jobs.
    let config = ConsoleConfig { admin_token, api_url, api_token, jobs: Vec::new(), rules };
    Ok(router.merge(console(database, &config)?))
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use serde_json::{Value, json};
    use tower::ServiceExt;

    use super::*;

    const TOKEN: &str = "the-admin-token-in-32-characters";

    /// Returns an admin API whose database is unavailable.
    fn api(authorization: Authorization) -> Router {
        let database = Database::new("postgres://user@127.0.0.1:1/none?sslmode=disable", 1).expect("a URL");
        router(database, authorization, Rules::default())
    }

    fn with_token() -> Authorization {
        Authorization::Token(AdminToken::new(TOKEN).expect("a token"))
    }

    async fn answer(api: Router, uri: &str, authorization: Option<&str>) -> (u16, Option<String>, Value) {
        let mut request = Request::get(uri);
        if let Some(value) = authorization {
            request = request.header("Authorization", value);
        }
        let response = api.oneshot(request.body(Body::empty()).expect("a request")).await.expect("a response");
        let status = response.status().as_u16();
        let cache = response.headers().get("cache-control").map(|value| value.to_str().expect("text").to_owned());
        let body = to_bytes(response.into_body(), 4096).await.expect("a body");
        (status, cache, serde_json::from_slice(&body).unwrap_or_default())
    }

    const URI: &str = "/api/admin/job-health";

    #[tokio::test]
    async fn stranger_is_rejected_in_json() {
        let api = api(with_token());
        let basic = format!("Basic {TOKEN}");
        for (authorization, problem) in [
            (None, "the header Authorization is missing, expected \"Bearer <token>\""),
            (Some(TOKEN), "the header Authorization is invalid, expected \"Bearer <token>\""),
            (Some(&*basic), "the header Authorization is invalid, expected \"Bearer <token>\""),
            (Some("Bearer wrong"), "invalid token"),
            (Some("Bearer "), "invalid token"),
        ] {
            let (status, cache, body) = answer(api.clone(), URI, authorization).await;
            assert_eq!((status, cache.as_deref(), &body["code"]), (401, Some("no-store"), &json!("unauthorized")));
            assert_eq!(body["error"], format!("unable to authenticate: {problem}"));
        }
        for _ in 0..8 {
            assert_eq!(answer(api.clone(), URI, Some("Bearer wrong")).await.0, 401);
        }
        let (status, _, body) = answer(api.clone(), URI, Some("Bearer wrong")).await;
        assert_eq!(
            (status, &body["error"]),
            (429, &json!("too many invalid tokens; the valid token is still accepted"))
        );
        for scheme in ["Bearer", "bearer", "BEARER"] {
            assert_eq!(answer(api.clone(), URI, Some(&format!("{scheme} {TOKEN}"))).await.0, 503, "{scheme}");
        }
    }

    #[tokio::test]
    async fn token_does_not_stand_in_for_a_signature_of_aws() {
        let (status, cache, body) = answer(api(Authorization::Iam), URI, Some(&format!("Bearer {TOKEN}"))).await;
        assert_eq!((status, cache.as_deref()), (401, Some("no-store")));
        assert!(body["error"].as_str().is_some_and(|error| error.contains("AWS_IAM")), "{body}");
    }

    #[tokio::test]
    async fn window_out_of_bounds_is_rejected_by_its_name() {
        let bearer = format!("Bearer {TOKEN}");
        for window in ["59s", "8d", "soon", "-1h", ""] {
            let (status, _, body) = answer(api(with_token()), &format!("{URI}?window={window}"), Some(&bearer)).await;
            assert_eq!(status, 400, "{window}");
            assert!(body["error"].as_str().is_some_and(|error| error.starts_with("window: ")), "{body}");
        }
    }

    #[tokio::test]
    async fn absent_database_is_said_without_its_details() {
        let (status, cache, body) = answer(api(with_token()), URI, Some(&format!("Bearer {TOKEN}"))).await;
        assert_eq!((status, cache.as_deref()), (503, Some("no-store")));
        assert_eq!(body["error"], "the database is unavailable; try again");
        assert_eq!(body["code"], "service_unavailable");
    }
}
