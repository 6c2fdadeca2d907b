//! A backlog beyond the capacity of one environment.

use sigpost_qstash::DEV_TOKEN;

use super::Deployed;
use crate::support::{Answer, answered};

#[tokio::test]
async fn full_dispatcher_starts_others_up_to_the_limit() {
    let api = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let endpoint = format!("http://{}", api.local_addr().expect("an address"));
    let deployed = Deployed::start_with(|definition| {
        let variables = [
            ("MAX_IN_FLIGHT", "2"),
            ("MAX_DISPATCHERS", "3"),
            ("AWS_ENDPOINT_URL_LAMBDA", &endpoint),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
        ];
        definition.variables.extend(variables.map(|(name, value)| (name.to_owned(), value.to_owned())));
    })
    .await;
    deployed.dispatch.serve_api(api).expect("Lambda's API");
    deployed.receiver.otherwise(Answer::status(200).held());

    let item = serde_json::json!({"destination": deployed.receiver.url("/hook")});
    let batch = deployed.client.post(format!("{}/v2/batch", deployed.url)).bearer_auth(DEV_TOKEN);
    answered(batch.json(&vec![item; 10])).await;
    // Two per dispatcher: a fourth dispatcher would exceed the limit.
    deployed.receiver.next_many(6).await;
    assert_eq!(deployed.database.count("select count(*) from message_states where state = 'active'").await, 6);
    // Two full dispatchers may both start a third: the one that finds no place stops immediately.
    assert_eq!(deployed.database.count("select count(*) from dispatchers where alive_until > now()").await, 3);

    deployed.receiver.otherwise(Answer::status(200));
    deployed.receiver.release(6);
    deployed.receiver.next_many(4).await;
    deployed.at_rest().await;
    assert_eq!(deployed.database.count("select count(*) from message_states where state = 'delivered'").await, 10);
}
