//! Webhooks and the ingress function that receives them.

use ingress::Config;
use process_webhook::Processors;
use serde_json::{Map, Value, json};
use sigpost_jobs::{Handlers, Harness};
use sigpost_store::Database;

use crate::jobs::deployment::Deployment;
use crate::support::{Answered, answered, serve, sign_webhooks};

const OLD_STRIPE_SECRET: &str = "whsec_of_stripe_so_far";
pub(super) const NEW_STRIPE_SECRET: &str = "whsec_of_stripe_from_now_on";
const OLD_RESEND_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub(super) const NEW_RESEND_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// A webhook before it is signed.
#[derive(Clone)]
pub(super) struct Webhook {
    pub(super) by: &'static str,
    pub(super) id: String,
    pub(super) body: String,
    pub(super) secret: &'static str,
    /// The time of the signature, in seconds.
    pub(super) at: i64,
}

impl Webhook {
    pub(super) fn stripe(event: &Value) -> Self {
        Self::stripe_text(&event.to_string())
    }

    pub(super) fn stripe_text(body: &str) -> Self {
        Self { by: "stripe", id: String::new(), body: body.to_owned(), secret: OLD_STRIPE_SECRET, at: super::now() }
    }

    pub(super) fn resend(id: &str, event: &Value) -> Self {
        let (id, body) = (id.to_owned(), event.to_string());
        Self { by: "resend", id, body, secret: OLD_RESEND_SECRET, at: super::now() }
    }
}

/// A signed webhook.
#[derive(Clone)]
pub(super) struct Signed {
    path: String,
    pub(super) headers: Map<String, Value>,
    pub(super) body: String,
}

impl Signed {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers[name].as_str().expect("a header")
    }
}

/// Signs webhooks with the official libraries. Returns `None` if they are not installed.
pub(super) async fn signed(webhooks: impl IntoIterator<Item = Webhook>) -> Option<Vec<Signed>> {
    let webhooks: Vec<Webhook> = webhooks.into_iter().collect();
    let case = |webhook: &Webhook| {
        let Webhook { by, id, body, secret, at } = webhook;
        json!({ "by": by, "id": id, "payload": body, "secret": secret, "at": at })
    };
    let headers = sign_webhooks(&webhooks.iter().map(case).collect()).await?;
    let signed = webhooks.into_iter().zip(headers);
    Some(
        signed
            .map(|(Webhook { by, body, .. }, headers)| Signed { path: format!("/webhooks/{by}"), headers, body })
            .collect(),
    )
}

/// An ingress function, with the handlers of the jobs that it stores.
pub(super) struct Entrance {
    pub(super) deployment: Deployment,
    url: String,
    client: reqwest::Client,
}

impl Entrance {
    /// Starts it with two secrets of each provider, and a customer of Stripe.
    pub(super) async fn open() -> Self {
        let deployment = deployment().await;
        let database = deployment.app.app.database();
        Self::before(deployment, &secrets(), database).await
    }

    /// Starts it with another connection to the database.
    pub(super) async fn open_over(database: Database) -> Self {
        Self::before(deployment().await, &secrets(), database).await
    }

    pub(super) async fn without_secrets() -> Self {
        let deployment = deployment().await;
        let database = deployment.app.app.database();
        Self::before(deployment, &Default::default(), database).await
    }

    async fn before(deployment: Deployment, secrets: &[Vec<String>; 2], database: Database) -> Self {
        let handlers = Handlers::at(&deployment.url).expect("a URL");
        let config = Config::new(&secrets[0], &secrets[1], handlers).expect("secrets");
        let url = serve(ingress::router(config, database)).await;
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        Self { deployment, url, client }
    }

    pub(super) async fn receive(&self, webhook: &Signed) -> Answered {
        let headers: Vec<(&str, &str)> =
            webhook.headers.iter().map(|(name, value)| (name.as_str(), value.as_str().expect("a text"))).collect();
        self.post(&webhook.path, &headers, &webhook.body).await
    }

    pub(super) async fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Answered {
        let mut request = self.client.post(format!("{}{path}", self.url)).body(body.to_owned());
        request = request.header("Content-Type", "application/json").header("X-Forwarded-For", "3.18.12.63, 10.0.0.1");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answered(request).await
    }

    /// Returns the number of stored jobs without their follow-up jobs.
    pub(super) async fn stored(&self) -> i64 {
        self.deployment.app.database.count("select count(*) from messages where url like '%webhook'").await
    }
}

fn secrets() -> [Vec<String>; 2] {
    [[OLD_STRIPE_SECRET, NEW_STRIPE_SECRET], [OLD_RESEND_SECRET, NEW_RESEND_SECRET]]
        .map(|secrets| secrets.map(str::to_owned).to_vec())
}

async fn deployment() -> Deployment {
    let deployment = Deployment::start(|harness| {
        // Follow-up jobs have no handler here, and are delayed.
        let handlers = harness.handlers.clone().with_url("send-email", "http://127.0.0.1:1").expect("a URL");
        let config = process_stripe_webhook::Config { app_url: "https://acme.example".parse().expect("a URL") };
        process_stripe_webhook::router(config, Harness { handlers, ..harness.clone() })
            .merge(process_webhook::router(Processors::default(), harness.clone()))
            .merge(create_notification::router(harness))
    })
    .await;
    let customer = "insert into stripe_customers (id, organization_id, owner_id, owner_email)
                    values ('cus_1', 'org_9', 'user_7', 'ada@example.com')";
    deployment.app.database.execute(customer).await;
    deployment
}
