//! `sigpost dlq redrive`.

use std::collections::BTreeMap;

use serde_json::json;

use crate::deployment::Deployment;
use crate::running::Running;

const LETTERS: usize = 300;
const RATE: usize = 50;

#[tokio::test(flavor = "multi_thread")]
async fn interrupted_redrive_continues_at_its_rate() {
    let mut at = Deployment::start().await;
    at.fail_for_good(LETTERS, "many").await;
    let newest = at.get("/v2/events?count=1").await["events"][0]["time"].as_i64().expect("a time");
    assert_eq!(at.json(&["dlq", "redrive", "--label", "many", "--dry-run"])["matched"], LETTERS);
    assert_eq!(at.json(&["dlq", "redrive", "--limit", "7", "--dry-run"])["matched"], 7);

    let mut pushes = BTreeMap::<String, usize>::new();
    let mut first = Running::start(at.command(&["dlq", "redrive", "--label", "many", "--rate", &format!("{RATE}/s")]));
    let count = async |at: &mut Deployment, pushes: &mut BTreeMap<String, usize>, until: usize| {
        while pushes.values().sum::<usize>() < until {
            let (_, body) = at.pushed().await;
            *pushes.entry(body).or_default() += 1;
        }
    };
    count(&mut at, &mut pushes, LETTERS / 2).await;
    first.signal("INT");
    assert_eq!(first.ended().code(), Some(1), "{}", first.output());
    let output = first.output();
    let stopped = output.lines().find_map(|line| line.strip_prefix("error: stopped: ")).expect("the reason");
    let retried: usize = stopped.split(' ').next().expect("a number").parse().expect("a number");
    assert!((LETTERS / 2..LETTERS).contains(&retried), "{output}");
    assert!(
        stopped.ends_with("of 300 dead letters retried; run the same command again to continue")
            && !output.contains('\u{1b}'),
        "{output}"
    );
    count(&mut at, &mut pushes, retried).await;

    // Times of the server: no second exceeds the rate by more than a late batch or two.
    let page =
        at.get(&format!("/v2/events?state=CREATED&label=many&order=earliestFirst&fromDate={}", newest + 1)).await;
    let times: Vec<i64> =
        page["events"].as_array().expect("events").iter().filter_map(|one| one["time"].as_i64()).collect();
    assert_eq!(times.len(), retried);
    let most = times.iter().map(|from| times.iter().filter(|time| (*from..from + 1000).contains(*time)).count()).max();
    assert!(most.expect("some") <= RATE * 2, "{most:?} within a second");

    let second = at.json(&["dlq", "redrive", "--label", "many", "--rate", "500/s"]);
    assert_eq!(second, json!({ "matched": LETTERS - retried, "retried": LETTERS - retried }));
    count(&mut at, &mut pushes, LETTERS).await;
    assert_eq!(at.text(&["dlq", "redrive", "--label", "many"]), "no dead letters match");
    assert!(at.nothing_more());
    assert!(pushes.len() == LETTERS && pushes.values().all(|count| *count == 1), "{pushes:?}");
}
