//! Many concurrent publishes.

use std::collections::HashSet;

use futures_util::future::join_all;

use super::Deployed;

#[tokio::test]
async fn burst_of_publishes_is_delivered_before_environments_are_frozen() {
    // Higher than the number of publishers, because environments deliver while all publishers publish.
    let deployed = Deployed::start_with(|definition| definition.concurrency = 24).await;
    let publish_some = async |publisher: usize| {
        let mut ids = Vec::new();
        for number in 0..25 {
            ids.push(deployed.publish(&[], &format!("{publisher} {number}")).await.to_string());
        }
        ids
    };
    let published: HashSet<String> = join_all((0..12).map(publish_some)).await.into_iter().flatten().collect();
    assert_eq!(published.len(), 300);
    deployed.at_rest().await;

    let requests = deployed.receiver.all_so_far().await;
    let received: Vec<&str> = requests.iter().map(|request| request.header("upstash-message-id")).collect();
    assert_eq!(received.len(), 300, "each is delivered once");
    assert!(received.iter().all(|id| published.contains(*id)));
    assert_eq!(deployed.database.count("select count(*) from message_states where state = 'delivered'").await, 300);
    assert_eq!(deployed.database.count("select count(*) from dispatchers").await, 0);
}
