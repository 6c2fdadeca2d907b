use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use sigpost_dev_postgres::testing;
use sigpost_store::database;

use super::Deployment;
use super::deployment::connect;

#[tokio::test]
async fn a_database_that_does_not_answer_fails_what_needs_it() {
    let deployment = Deployment::new("doctor_away").await;
    deployment.says("database-reachable", "passed", &["responds in"]);
    let away = [("DATABASE_URL", "postgres://u@127.0.0.1:1/none")];
    deployment.says_with(&away, &[], "database-reachable", "failed", &["no connection"]);
    deployment.says_with(&away, &[], "indexes", "failed", &["cannot be checked"]);

    // A check of all items reports it once.
    assert_eq!(deployment.failed(&away), ["database-reachable"]);
}

#[tokio::test]
async fn a_database_without_the_schema_is_said_to_be_so_once() {
    let server = tokio::task::spawn_blocking(testing::shared).await.expect("Postgres");
    database::create(&server.url("postgres"), "doctor_bare", None).await.expect("a database");
    let bare = Deployment::at(server.url("doctor_bare")).await;
    let mut failed = bare.failed(&[]);
    // The server of the tests has fsync off.
    failed.retain(|id| id != "durability");
    assert_eq!(failed, ["migrations", "schema", "indexes", "processes"]);
}

#[tokio::test]
async fn a_server_that_is_too_old_is_rejected() {
    let deployment = Deployment::new("doctor_version").await;
    deployment.says("database-version", "passed", &["Postgres 1"]);
    deployment
        .shadow(
            "current_setting(name text) returns text language sql as \
             $$ select case name when 'server_version_num' then '130009' else pg_catalog.current_setting(name) end $$",
        )
        .await;
    deployment.says("database-version", "failed", &["Postgres 13.9"]);
}

#[tokio::test]
async fn a_plain_connection_to_elsewhere_is_a_fault() {
    let deployment = Deployment::new("doctor_tls").await;
    deployment.says("database-tls", "passed", &["on this machine"]);
    // Another notation of 127.0.0.1, which only the resolver knows.
    let url = deployment.url.replace("127.0.0.1", "127.1");
    deployment.says_with(&[("DATABASE_URL", &url)], &[], "database-tls", "failed", &["sslmode=require"]);
}

#[tokio::test]
async fn a_database_whose_clock_is_ahead_is_noticed() {
    let deployment = Deployment::new("doctor_clock").await;
    deployment.says("database-clock", "passed", &[]);
    let ahead = "clock_timestamp() returns timestamptz language sql as \
                 $$ select pg_catalog.clock_timestamp() + interval '90 seconds' $$";
    deployment.shadow(ahead).await;
    deployment.says("database-clock", "failed", &["90 s ahead", "NTP"]);
}

#[tokio::test]
async fn connections_that_do_not_suffice_are_counted() {
    let deployment = Deployment::new("doctor_budget").await;
    deployment.says("connection-budget", "passed", &["1 process may need 9 at most"]);
    // The limit does not apply to superusers, but to the role of `serve`.
    deployment.execute("alter database doctor_budget connection limit 5").await;
    deployment.says("connection-budget", "failed", &["too many clients", "DATABASE_CONNECTIONS"]);
}

#[tokio::test]
async fn timeouts_that_cut_off_statements_or_the_listener_are_found() {
    let deployment = Deployment::new("doctor_timeouts").await;
    deployment.says("session-timeouts", "passed", &["none"]);
    deployment.execute("alter database doctor_timeouts set idle_session_timeout = '10min'").await;
    deployment.says("session-timeouts", "warned", &["idle_session_timeout = 600000 ms", "listener"]);
    deployment.execute("alter database doctor_timeouts set statement_timeout = '2s'").await;
    deployment.says("session-timeouts", "failed", &["statement_timeout = 2000 ms"]);
}

#[tokio::test]
async fn notifications_that_get_lost_on_the_way_are_noticed() {
    let deployment = Deployment::new("doctor_listen").await;
    deployment.says("listen", "passed", &["arrived after"]);
    let server = deployment.url.split(['@', '/']).nth(3).expect("an address").to_owned();
    let url = deployment.url.replace(&server, &without_notifications(server.clone()));
    deployment.says_with(&[("DATABASE_URL", &url)], &[], "listen", "failed", &["in transaction mode"]);
}

/// Starts a proxy that drops notifications, like a pooler in transaction mode. Returns its address.
fn without_notifications(server: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let upstream = TcpStream::connect(&server).expect("the server");
            let (mut to_server, mut from_client) =
                (upstream.try_clone().expect("a copy"), client.try_clone().expect("a copy"));
            std::thread::spawn(move || std::io::copy(&mut from_client, &mut to_server));
            std::thread::spawn(move || forward_messages(upstream, client));
        }
    });
    address
}

/// Forwards messages of the server, except notifications. A message is a type byte, a length that includes itself, and
/// a body; type `A` is a notification.
fn forward_messages(mut from: TcpStream, mut to: TcpStream) -> std::io::Result<()> {
    loop {
        let mut head = [0; 5];
        from.read_exact(&mut head)?;
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
        let mut body = vec![0; usize::try_from(length).expect("a length") - 4];
        from.read_exact(&mut body)?;
        if head[0] != b'A' {
            to.write_all(&[&head[..], &body].concat())?;
        }
    }
}

#[tokio::test]
async fn what_the_role_may_not_do_is_listed() {
    let deployment = Deployment::new("doctor_privileges").await;
    deployment.says("privileges", "passed", &[]);
    deployment
        .execute(
            "create role doctor_reader login password 'x'; grant select on all tables in schema public to doctor_reader; \
             grant insert, update, delete on messages to doctor_reader",
        )
        .await;
    let (_, place) = deployment.url.split_once('@').expect("a user");
    let url = format!("postgres://doctor_reader:x@{place}");
    let texts = ["insert on dead_letters", "delete on attempts", "own attempts"];
    deployment.says_with(&[("DATABASE_URL", &url)], &[], "privileges", "failed", &texts);
}

#[tokio::test]
async fn a_server_that_may_lose_commits_is_a_fault() {
    // The server of the tests has them off for speed; the one of `whole` has them on.
    let deployment = Deployment::new("doctor_durability").await;
    deployment.says("durability", "failed", &["fsync, full_page_writes, synchronous_commit off"]);
}

#[tokio::test]
async fn a_transaction_that_stays_open_is_noticed() {
    let deployment = Deployment::new("doctor_transactions").await;
    deployment.says("long-transactions", "passed", &[]);
    let other = connect(&deployment.url).await;
    other.batch_execute("begin; select 1").await.expect("a transaction");
    // Ten minutes pass.
    let later =
        "now() returns timestamptz stable language sql as $$ select pg_catalog.now() + interval '10 minutes' $$";
    deployment.shadow(later).await;
    deployment.says("long-transactions", "warned", &["10 min", "pg_stat_activity"]);
    drop(other);
}

#[tokio::test]
async fn a_server_that_archives_nothing_is_said_to_be_seen_so() {
    let deployment = Deployment::new("doctor_backups").await;
    deployment.says("backups", "warned", &["cannot be checked from here"]);
    deployment.execute("select pg_create_physical_replication_slot('doctor_slot')").await;
    deployment.says("backups", "warned", &["doctor_slot", "disk is full"]);
    deployment.execute("select pg_drop_replication_slot('doctor_slot')").await;
}

#[tokio::test]
async fn an_item_that_takes_long_is_given_up() {
    let begun_at = std::time::Instant::now();
    let deployment = Deployment::new("doctor_patience").await;
    // The socket accepts connections and never responds.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("postgres://u@{}/none", silent.local_addr().expect("an address"));
    deployment.says_with(&[("DATABASE_URL", &url)], &[], "database-reachable", "failed", &["no connection within 3 s"]);
    assert!(begun_at.elapsed() < Duration::from_secs(20));
}
