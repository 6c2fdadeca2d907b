//! Commands that inspect and operate a deployment.

use serde_json::{Value, json};

use crate::deployment::Deployment;
use crate::running::sigpost;

#[tokio::test(flavor = "multi_thread")]
async fn queues_keys_and_schedules_are_looked_at_and_steered() {
    let mut at = Deployment::start().await;
    let hook = at.destination.clone();

    assert!(at.text(&["queues", "list"]).starts_with("no queues: "));
    assert!(at.text(&["flow", "list"]).starts_with("no flow-control keys: "));
    assert!(at.text(&["schedules", "list"]).starts_with("no schedules: "));

    assert_eq!(at.text(&["queues", "set", "invoices", "--parallelism", "3"]), "invoices has parallelism 3");
    at.text(&["queues", "pause", "invoices"]);
    // A change of the parallelism keeps the pause.
    at.text(&["queues", "set", "invoices", "--parallelism", "5"]);
    let queue = at.json(&["queues", "show", "invoices"]);
    assert_eq!((&queue["parallelism"], &queue["paused"], &queue["lag"]), (&json!(5), &json!(true), &json!(0)));
    let listed = at.text(&["queues", "list"]);
    assert!(listed.contains("invoices  paused            5    0  20"), "{listed}");
    at.text(&["queues", "resume", "invoices"]);
    assert_eq!(at.json(&["queues", "list"])[0]["paused"], false);
    assert!(at.rejection(&["queues", "pause", "none"]).contains("404"));
    assert_eq!(at.json(&["queues", "delete", "invoices", "--yes"])["cancelled"], 0);
    assert_eq!(at.json(&["queues", "list"]), json!([]));

    // A key may be any text.
    let key = "eu/openai 1";
    at.text(&["flow", "pin", key, "--rate", "10", "--period", "1m", "--parallelism", "2"]);
    at.text(&["flow", "pause", key]);
    let shown = at.json(&["flow", "show", key]);
    for (field, value) in
        [("rateMax", json!(10)), ("ratePeriod", json!(60)), ("parallelismMax", json!(2)), ("isPaused", json!(true))]
    {
        assert_eq!(shown[field], value, "{field}");
    }
    at.text(&["flow", "unpin", key, "--rate"]);
    at.text(&["flow", "resume", key]);
    at.text(&["flow", "reset", key]);
    let listed = at.text(&["flow", "list", "--search", "open"]);
    let row: Vec<&str> = listed.lines().nth(1).expect("a row").split_whitespace().collect();
    assert_eq!((row[2], row[row.len() - 1]), ("on", "parallelism"), "{listed}");
    assert_eq!(at.json(&["flow", "list", "--search", "absent"]), json!([]));
    let wrong = at.run(&["flow", "unpin", key]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("--parallelism, --rate, or both"), "{wrong:?}");

    let every_second = ["schedules", "create", &hook, "--cron", "* * * * * *", "--id", "often", "--body", "tick"];
    assert_eq!(at.text(&every_second), "often");
    assert_eq!(at.pushed().await, ("/hook".into(), "tick".into()));
    at.text(&["schedules", "pause", "often"]);
    assert!(at.text(&["schedules", "show", "often"]).starts_with("often  paused\n  cron      * * * * * *\n"));
    at.text(&["schedules", "resume", "often"]);
    assert_eq!(at.json(&["schedules", "list"])[0]["isPaused"], false);
    assert!(at.text(&["schedules", "list"]).contains("often  on "));
    at.text(&["schedules", "delete", "often", "--yes"]);
    assert!(at.rejection(&["schedules", "show", "often"]).contains("404"));
    assert!(at.rejection(&["schedules", "create", &hook, "--cron", "often"]).contains("400"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_says_how_it_does() {
    let mut at = Deployment::start().await;

    // The first start has run one job.
    let jobs = at.json(&["jobs", "--window", "1h"]);
    assert_eq!((&jobs["byType"][0]["type"], &jobs["byType"][0]["completed"]), (&json!("send-email"), &json!(1)));
    let table = at.text(&["jobs"]);
    let words = |line: &str| line.split_whitespace().take(5).map(str::to_owned).collect::<Vec<_>>().join(" ");
    assert_eq!(table.lines().map(words).collect::<Vec<_>>()[1..], ["send-email 0 1 0 0.0", "all 0 1 0 0.0"], "{table}");

    at.text(&["publish", &at.destination, "--delay", "1h"]);
    let stats = at.json(&["stats", "--window", "1h"]);
    assert_eq!((&stats["scheduled"], &stats["delivered"]), (&json!(1), &json!(1)));
    let table = at.text(&["stats"]);
    for heading in ["PENDING ", "IN THE LAST", "DESTINATION", "by queue: no pending messages"] {
        assert!(table.contains(heading), "{table}");
    }
    assert!(at.rejection(&["stats", "--window", "8d"]).contains("window: must be 1m to 7d"));

    let report = at.json(&["health", "--jobs"]);
    assert_eq!((&report["health"], &report["alerts"]), (&json!("healthy"), &json!([])));
    assert_eq!(at.text(&["health", "--jobs"]), "healthy: 1 job, 0.0 % failed\nno open alerts");
    assert_eq!(at.text(&["health", "--url", &at.url, "--ready"]), "");
    // Without --url it uses QSTASH_URL.
    assert_eq!((at.text(&["health", "--ready"]), at.text(&["health"])), (String::new(), String::new()));
    let mut elsewhere = at.command(&["health", "--ready"]);
    elsewhere.env("QSTASH_URL", "http://127.0.0.1:9");
    assert_eq!(crate::running::finished(elsewhere).status.code(), Some(1));
    // A failed run makes the failure rate 50 %, of too few runs for more than a warning.
    let webhook = format!("{}/api/jobs/webhook", at.url);
    let failure = at.destination.replace("/hook", "/failed");
    let body = r#"{"source": "absent", "event": "none", "data": {}}"#;
    at.text(&["publish", &webhook, "--body", body, "--retries", "0", "--failure-callback", &failure]);
    assert_eq!(at.pushed().await.0, "/failed");
    let degraded = at.text(&["health", "--jobs"]);
    assert!(
        degraded.starts_with("degraded: 2 jobs, 50.0 % failed\n  degraded failure-rate: 1 of 2 runs"),
        "{degraded}"
    );
    // Of 20 runs or more, it is unhealthy.
    for _ in 0..18 {
        at.text(&["publish", &webhook, "--body", body, "--retries", "0", "--failure-callback", &failure]);
    }
    for _ in 0..18 {
        assert_eq!(at.pushed().await.0, "/failed");
    }
    let unhealthy = at.run(&["health", "--jobs"]);
    let said = String::from_utf8_lossy(&unhealthy.stdout).into_owned();
    assert_eq!((unhealthy.status.code(), said.starts_with("unhealthy: ")), (Some(1), true), "{said}");
    assert!(said.contains("unhealthy failure-rate: 19 of 20 runs in the last hour failed"), "{said}");

    let mut stranger = sigpost(&["stats", "--admin-token", "wrong"]);
    stranger.env("ADMIN_URL", &at.url).env("QSTASH_URL", "http://127.0.0.1:9");
    let stranger = crate::running::finished(stranger);
    assert!(String::from_utf8_lossy(&stranger.stderr).contains("401"), "{stranger:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_keys_are_shown_by_their_fingerprints_and_rotated_when_confirmed() {
    let at = Deployment::start().await;
    let shown = at.json(&["keys", "show"]);
    let fingerprints =
        |shown: &Value| [shown["keys"]["currentFingerprint"].clone(), shown["keys"]["nextFingerprint"].clone()];
    let [_, next] = fingerprints(&shown);
    let text = at.text(&["keys", "show"]);
    assert!(text.contains(next.as_str().expect("a fingerprint")) && !text.contains("sig_"), "{text}");
    let pair = at.json(&["keys", "show", "--reveal"]);
    assert_eq!(
        at.text(&["keys", "show", "--reveal"]),
        format!(
            "QSTASH_CURRENT_SIGNING_KEY={}\nQSTASH_NEXT_SIGNING_KEY={}",
            pair["current"].as_str().expect("a key"),
            pair["next"].as_str().expect("a key")
        )
    );

    let said = at.text(&["keys", "rotate", "--yes"]);
    assert!(said.contains("After: give every handler the new pair") && !said.contains("sig_"), "{said}");
    assert_eq!(fingerprints(&at.json(&["keys", "show"]))[0], next);
    assert_eq!(at.json(&["keys", "show", "--reveal"])["current"], pair["next"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_listed_shown_retried_and_deleted() {
    let mut at = Deployment::start().await;
    assert!(at.text(&["dlq", "list"]).starts_with("no dead letters: "));
    assert_eq!(at.json(&["dlq", "redrive"]), json!({ "matched": 0, "retried": 0 }));
    at.fail_for_good(3, "mine").await;
    at.fail_for_good(1, "other").await;

    let listed = at.json(&[
        "dlq",
        "list",
        "--label",
        "mine",
        "--status",
        "500",
        "--since",
        "1h",
        "--destination",
        &at.destination,
    ]);
    let letters = listed["messages"].as_array().expect("a list").clone();
    let ids: Vec<&str> = letters.iter().map(|letter| letter["dlqId"].as_str().expect("an id")).collect();
    assert_eq!(ids.len(), 3);
    for none in [["--status", "404"], ["--until", "1h"], ["--label", "absent"], ["--queue", "none"]] {
        assert_eq!(at.json(&[&["dlq", "list"], &none[..]].concat()), json!({ "messages": [] }), "{none:?}");
    }
    let table = at.text(&["dlq", "list"]);
    assert!(table.starts_with("ID ") && table.lines().count() == 5 && table.contains(ids[0]), "{table}");

    // In pages, and after a cursor.
    let page = at.run(&["dlq", "list", "--limit", "3"]);
    assert!(String::from_utf8_lossy(&page.stderr).starts_with("there are more: use --cursor "), "{page:?}");
    let page = at.json(&["dlq", "list", "--limit", "3"]);
    let cursor = page["cursor"].as_str().expect("a cursor");
    assert_eq!(at.json(&["dlq", "list", "--cursor", cursor])["messages"].as_array().map(Vec::len), Some(1));
    assert_eq!(at.json(&["dlq", "list", "--all"])["messages"].as_array().map(Vec::len), Some(4));

    let shown = at.text(&["dlq", "show", ids[0]]);
    assert!(shown.contains("status    500") && shown.contains(r"sorry\u{1b}[31m"), "{shown}");
    assert!(!shown.contains("mine 2"), "the payload is shown: {shown}");
    assert_eq!(at.json(&["dlq", "show", ids[0]])["body"], letters[0]["body"]);

    let retried = at.json(&["dlq", "retry", ids[0]]);
    assert_eq!(retried["responses"].as_array().map(Vec::len), Some(1));
    assert_eq!(at.pushed().await, ("/hook".into(), letters[0]["body"].as_str().expect("a body").to_owned()));
    assert!(at.rejection(&["dlq", "retry", ids[0]]).contains("404"));

    assert_eq!(at.text(&["dlq", "delete", ids[1], ids[2], "--yes"]), "2 dead letters deleted");
    assert!(at.rejection(&["dlq", "delete", ids[1], "--yes"]).contains("0 of 1 dead letter were deleted"));
    assert_eq!(at.json(&["dlq", "redrive", "--dry-run"]), json!({ "matched": 1, "retried": 0 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_deleted_by_filter_in_pages_of_what_matched() {
    let mut at = Deployment::start().await;
    at.fail_for_good(130, "mine").await;
    at.fail_for_good(2, "other").await;
    let left = |at: &Deployment| at.json(&["dlq", "list", "--all"])["messages"].as_array().map(Vec::len);

    for none in [&["--label", "absent"][..], &["--until", "1h"], &["--label", "mine", "--status", "404"]] {
        let deleted = at.json(&[&["dlq", "delete", "--yes"], none].concat());
        assert_eq!(deleted, json!({ "matched": 0, "deleted": 0 }), "{none:?}");
    }
    assert_eq!(left(&at), Some(132));
    let mine = ["--label", "mine", "--status", "500", "--since", "1h", "--destination", &at.destination];
    let deleted = at.json(&[&["dlq", "delete", "--yes"], &mine[..]].concat());
    assert_eq!(deleted, json!({ "matched": 130, "deleted": 130 }));
    assert_eq!(left(&at), Some(2));
    assert_eq!(at.text(&["dlq", "delete", "--all", "--yes"]), "2 dead letters deleted");
    assert_eq!(at.text(&["dlq", "delete", "--all", "--yes"]), "no dead letters match");

    // Neither no argument, nor IDs and a filter.
    for wrong in [&["--yes"][..], &["1-1", "--label", "mine"], &["--all", "--label", "mine"], &["1-1", "--all"]] {
        let output = at.run(&[&["dlq", "delete"], wrong].concat());
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{wrong:?}: {error}");
        assert!(error.contains("give IDs, filters or --all"), "{wrong:?}: {error}");
    }
}
