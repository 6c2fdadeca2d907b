//! Destinations share the in-flight capacity.

use futures_util::future::join_all;

use crate::support::{Answer, Receiver, TestApp};

#[tokio::test]
async fn unresponsive_destinations_do_not_delay_others() {
    let app = TestApp::start_with(|config| config.dispatcher.as_mut().expect("settings").max_in_flight = 64).await;
    let [hanging, other, fast] = [Receiver::start().await, Receiver::start().await, Receiver::start().await];
    hanging.otherwise(Answer::status(200).held());
    other.otherwise(Answer::status(200).held());

    let (url, other_url, fast_url) = (hanging.url("/"), other.url("/"), fast.url("/"));
    join_all((0..200).map(|_| app.publish(&url, &[], ""))).await;
    // All but the reserve, because no other destination has messages.
    hanging.next_many(62).await;
    join_all((0..20).map(|_| app.publish(&other_url, &[], ""))).await;
    other.next().await;

    // Messages that are due immediately are leased when they are stored; the others are claimed.
    join_all((0..20).map(|_| app.publish(&fast_url, &[], ""))).await;
    join_all((0..20).map(|_| app.publish(&fast_url, &[("Upstash-Delay", "1s")], ""))).await;
    fast.next_many(40).await;
    assert!(hanging.all_so_far().await.is_empty());

    hanging.otherwise(Answer::status(200));
    other.otherwise(Answer::status(200));
    hanging.release(62);
    other.release(1);
    hanging.next_many(138).await;
    other.next_many(19).await;
}

/// Also messages of a flow-control key, which are claimed separately.
#[tokio::test]
async fn dozens_of_unresponsive_destinations_do_not_delay_others() {
    let app = TestApp::start_with(|config| config.dispatcher.as_mut().expect("settings").max_in_flight = 256).await;
    let hanging = join_all((0..24).map(|_| Receiver::start())).await;
    let fast = Receiver::start().await;
    let key = [("Upstash-Flow-Control-Key", "k"), ("Upstash-Flow-Control-Value", "parallelism=10000")];
    for (number, receiver) in hanging.iter().enumerate() {
        receiver.otherwise(Answer::status(200).held());
        let (url, headers) = (receiver.url("/"), if number % 2 == 0 { &key[..] } else { &[] });
        join_all((0..80).map(|_| app.publish(&url, headers, ""))).await;
        receiver.next().await;
    }

    let delayed = ("Upstash-Delay", "1s");
    let (url, in_key) = (fast.url("/"), [key[0], key[1], delayed]);
    for headers in [&[][..], &key, &[delayed], &in_key] {
        join_all((0..20).map(|_| app.publish(&url, headers, ""))).await;
    }
    fast.next_many(80).await;

    for receiver in &hanging {
        receiver.otherwise(Answer::status(200));
        receiver.release(80);
    }
    for receiver in &hanging {
        receiver.next_many(79).await;
    }
}
