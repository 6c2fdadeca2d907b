//! `sigpost cleanup`, and the progress output of `sigpost migrate`.

use serde_json::{Value, json};

use crate::running::{finished, sigpost};
use crate::serve::{empty_database, stderr};

#[tokio::test]
async fn what_is_old_is_deleted_when_confirmed_and_the_rest_stays() {
    let url = empty_database("program_cleanup").await;
    let run = |arguments: &[&str]| {
        let mut command = sigpost(arguments);
        command.env("DATABASE_URL", &url);
        finished(command)
    };
    let migrated = run(&["migrate", "--json"]);
    let applied: Value = serde_json::from_slice(&migrated.stdout).expect("JSON");
    let names: Vec<&str> =
        applied["applied"].as_array().expect("names").iter().map(|name| name.as_str().expect("a name")).collect();
    let steps = |doing: &str, names: &[&str]| -> Vec<String> {
        let numbered = names.iter().zip(1..);
        numbered.map(|(name, number)| format!("{doing} {name} ({number} of {})", names.len())).collect()
    };
    assert_eq!(stderr(&migrated).lines().collect::<Vec<_>>(), steps("applying", &names));
    let [before @ .., last_but_one, last] = &names[..] else { panic!("{names:?}") };
    let reverted = run(&["migrate", "--revert", "2", "--yes"]);
    assert_eq!(stderr(&reverted).lines().collect::<Vec<_>>(), steps("reverting", &[last, last_but_one]));
    let again = run(&["migrate"]);
    assert_eq!(stderr(&again).lines().collect::<Vec<_>>(), steps("applying", &names[before.len()..]));

    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.expect("a connection");
    tokio::spawn(connection);
    // IDs are ordered by time: 5,000 of 1970, and one after all others.
    let message = |id: &str, finished: &str| {
        format!(
            "insert into seeds.messages (id, state, url, method, header, body, retries, labels, not_before, finished_at)
             select {id}, 'delivered', '', 'POST', '{{}}', '', 0, '{{}}', now(), {finished}"
        )
    };
    let old = "('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid";
    let statements = format!(
        "{} from generate_series(1, 5000) n; {}",
        message(old, "now() - interval '100 days'"),
        message("'ffffffff-0000-7000-8000-000000000000'::uuid", "now()")
    );
    client.batch_execute(include_str!("../../../tests/src/seeds.sql")).await.expect("seeds");
    client.batch_execute(&statements).await.expect("rows");

    let rejected = run(&["cleanup", "--older-than", "90d"]);
    assert_eq!(rejected.status.code(), Some(2));
    assert!(
        stderr(&rejected)
            .contains("Delete messages, runs and events that ended more than 90 days ago? Stdin is not a terminal"),
        "{}",
        stderr(&rejected)
    );
    assert_eq!(run(&["cleanup", "--older-than", "1h", "--yes"]).status.code(), Some(2));

    let cleaned = run(&["cleanup", "--older-than", "90d", "--yes", "--json"]);
    assert!(cleaned.status.success() && !cleaned.stderr.contains(&0x1b), "{}", stderr(&cleaned));
    let deleted: Value = serde_json::from_slice(&cleaned.stdout).expect("JSON");
    assert_eq!(deleted["messages"], json!(5000));
    let left: i64 = client.query_one("select count(*) from messages", &[]).await.expect("a row").get(0);
    assert_eq!(left, 1);
    let again = run(&["cleanup", "--older-than", "90d", "--yes"]);
    let text = String::from_utf8_lossy(&again.stdout).into_owned();
    assert!(text.starts_with("DELETED            COUNT\nmessages               0\n"), "{text}");
}
