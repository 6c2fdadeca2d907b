//! `docs/restore.sh` restores a backup into another database, which then delivers its messages.

use std::path::{Path, PathBuf};
use std::process::Output;

use dispatch::dispatcher::StepKind;
use sigpost_dev_postgres::testing;
use tests::sdk::printed;
use tokio::process::Command;

use crate::support::{Answer, TestApp, TestDatabase};

/// Returns the folder of PostgreSQL's client programs: that of the tests' server, or one on the PATH.
///
/// Returns `None` if there are none, so that a server alone is sufficient for the other tests. With
/// `SIGPOST_TEST_ALL` set, as in CI, that is a failure.
fn programs() -> Option<PathBuf> {
    let all_in = |folder: &Path| ["pg_dump", "pg_restore", "psql"].iter().all(|name| folder.join(name).is_file());
    let of_the_server = testing::shared().program("pg_dump").and_then(|path| Some(path.parent()?.to_owned()));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = of_the_server.into_iter().chain(std::env::split_paths(&path)).find(|folder| all_in(folder));
    if found.is_none() {
        eprintln!("NOT TESTED: backup and restore, for there is no pg_dump, pg_restore and psql here");
        assert!(std::env::var_os("SIGPOST_TEST_ALL").is_none(), "this test needs PostgreSQL's clients");
    }
    found
}

async fn script(programs: &Path, database_url: &str, what: &str, file: &Path) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/restore.sh");
    let mut script = Command::new(script);
    script.arg(what).arg(file).env("PG_BIN", programs).env("DATABASE_URL", database_url);
    script.output().await.expect("bash")
}

/// Makes an unprivileged role the owner of the database, as hosting providers do. Returns the database's URL for it.
async fn owned_by_unprivileged_role(database: &TestDatabase) -> String {
    let (server, name) = database.url.rsplit_once('/').expect("a database");
    let name = name.split('?').next().expect("a name");
    let role = format!("owner_of_{name}");
    let create = format!("create role {role} login password 'owner'; alter database {name} owner to {role}");
    database.execute(&create).await;
    let (_, address) = server.split_once('@').expect("a user");
    format!("postgres://{role}:owner@{address}/{name}")
}

#[tokio::test]
async fn restored_deployment_delivers_open_messages_of_the_backup() {
    let Some(programs) = tokio::task::spawn_blocking(programs).await.expect("an end") else { return };
    let run = async |url: &str, what, file: &Path| script(&programs, url, what, file).await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("sigpost.dump");

    let old = TestApp::start().await;
    let done = old.publish_here(&[], "done").await.id();
    old.wait_for(done, StepKind::Delivered).await;
    old.receiver.answers([Answer::status(200).held()]);
    let in_flight = old.publish_here(&[], "in flight").await.id();
    old.wait_for(in_flight, StepKind::Pushed).await;
    let waiting =
        old.publish_here(&[("Upstash-Delay", "1h"), ("Upstash-Label", "ä\tb\\.")], "line\n\\.\nline").await.id();
    old.receiver.all_so_far().await;

    let backed_up = run(&old.database.url, "backup", &file).await;
    assert!(backed_up.status.success(), "{}", printed(&backed_up));
    assert_eq!(String::from_utf8_lossy(&backed_up.stderr), "");
    assert!(printed(&backed_up).contains("keep it as secret as the database"), "{}", printed(&backed_up));
    assert!(printed(&run(&old.database.url, "backup", &file).await).contains("is there already"));
    // Delivered after the backup, so the restored deployment delivers it again.
    let late = old.publish_here(&[], "late").await.id();
    old.make_messages_due().await;
    old.wait_for(waiting, StepKind::Delivered).await;
    old.wait_for(late, StepKind::Delivered).await;
    old.receiver.release(1);
    old.wait_for(in_flight, StepKind::Delivered).await;
    old.app.shutdown().await;
    old.receiver.all_so_far().await;

    // This test needs two databases. No other test does, so two tests cannot deadlock on the limit.
    let new = TestDatabase::empty().await;
    let owner_url = owned_by_unprivileged_role(&new).await;
    let restored = run(&owner_url, "restore", &file).await;
    assert!(restored.status.success(), "{}", printed(&restored));
    assert_eq!(String::from_utf8_lossy(&restored.stderr), "", "no warnings");
    let said = "open messages: 2; of these, in flight and delivered again: 1";
    assert!(printed(&restored).contains(said), "{}", printed(&restored));
    let again = run(&owner_url, "restore", &file).await;
    assert!(!again.status.success() && printed(&again).contains("is not empty"), "{}", printed(&again));

    // Expires the lease.
    new.execute("update pending_deliveries set lease_until = now() where lease_token is not null").await;
    let app = TestApp::start_on(&new, |_| {}).await;
    app.wait_for(in_flight, StepKind::Delivered).await;
    app.make_messages_due().await;
    app.wait_for(waiting, StepKind::Delivered).await;
    let mut pushed: Vec<(String, String)> = Vec::new();
    for request in old.receiver.all_so_far().await {
        pushed.push((
            request.header("upstash-message-id").to_owned(),
            String::from_utf8_lossy(&request.body).into_owned(),
        ));
    }
    let expected =
        [(in_flight.to_string(), "in flight".to_owned()), (waiting.to_string(), "line\n\\.\nline".to_owned())];
    assert_eq!(pushed, expected);
    assert_eq!(app.message(done).await["state"], "DELIVERED");
    assert_eq!(app.get(&format!("/v2/messages/{late}")).await.status, 404);
}

#[tokio::test]
async fn restore_rejects_files_that_are_not_backups() {
    let Some(programs) = tokio::task::spawn_blocking(programs).await.expect("an end") else { return };
    let empty = TestDatabase::empty().await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("sigpost.dump");
    let rejected = script(&programs, &empty.url, "backup", &file).await;
    assert!(!rejected.status.success() && !file.exists(), "{}", printed(&rejected));
    let rejected = script(&programs, &empty.url, "restore", &file).await;
    assert!(printed(&rejected).contains("is no file"), "{}", printed(&rejected));
}
