//! The end of an environment: its timeout and its crash.

use std::time::Duration;

use super::Deployed;
use crate::support::Answer;

#[tokio::test]
async fn tick_delivers_messages_of_a_killed_environment() {
    let deployed = Deployed::start().await;
    deployed.receiver.answers([Answer::status(200).held()]);
    let id = deployed.publish(&[], "").await;
    deployed.receiver.next().await;
    deployed.dispatch.environments()[0].die();
    deployed.at_rest().await;
    assert_eq!(deployed.state_of(id).await, "active");
    // Its row is still alive, so new messages are left to it until the row expires.
    let second = deployed.publish(&[], "").await;
    deployed.at_rest().await;
    assert_eq!(deployed.state_of(second).await, "pending");

    deployed.database.execute("update dispatchers set alive_until = now()").await;
    deployed.make_messages_due().await;
    deployed.tick().await;
    deployed.at_rest().await;
    for id in [id, second] {
        assert_eq!(deployed.state_of(id).await, "delivered");
    }
    let again = deployed.receiver.next_many(2).await;
    assert!(again.iter().any(|request| request.header("upstash-message-id") == id.to_string()));
}

#[tokio::test]
async fn attempt_ends_before_the_function_timeout() {
    let timeout = Duration::from_secs(5);
    let deployed = Deployed::start_with(|definition| definition.timeout = timeout).await;
    deployed.receiver.answers([Answer::status(200).held()]);
    let id = deployed.publish(&[], "").await;
    deployed.receiver.next().await;
    deployed.at_rest().await;

    let environments = deployed.dispatch.environments();
    assert!(environments[0].is_frozen(), "Lambda had to end it");
    assert!(environments[0].billed()[0] < timeout);
    // The attempt has ended, and the message is pending for its next attempt.
    assert_eq!(deployed.state_of(id).await, "pending");
    let errors = deployed.database.count("select count(*) from events where state = 'ERROR'").await;
    assert_eq!(errors, 1);
}
