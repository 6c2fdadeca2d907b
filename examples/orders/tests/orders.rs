//! Runs the example on the database of a deployment.

use std::process::{Command, Output};

use tests::TestDatabase;

const TABLE: &str =
    "create table orders (id bigint generated always as identity, email text not null, cents int not null)";

fn order(database: &TestDatabase, cents: &str) -> Output {
    let mut orders = Command::new(env!("CARGO_BIN_EXE_orders"));
    orders.args(["ada@example.com", cents]).env("DATABASE_URL", &database.url).env("BASE_URL", "https://jobs.example");
    orders.env_remove("JOB_URLS").output().expect("the program starts")
}

async fn stored(database: &TestDatabase) -> (i64, i64) {
    let emails = "select count(*) from messages where url = 'https://jobs.example/api/jobs/email'";
    (database.count("select count(*) from orders").await, database.count(emails).await)
}

#[tokio::test]
async fn an_order_and_its_email_commit_together_and_roll_back_together() {
    let database = TestDatabase::new().await;
    database.execute(TABLE).await;

    let placed = order(&database, "60000");
    assert!(placed.status.success(), "{}", String::from_utf8_lossy(&placed.stderr));
    assert_eq!(stored(&database).await, (1, 1));
    let message: String = database.query("select url || ' ' || state from message_states", &[]).await[0].get(0);
    assert_eq!(message, "https://jobs.example/api/jobs/email pending");

    let rejected = order(&database, "60000");
    assert!(String::from_utf8_lossy(&rejected.stderr).contains("ada@example.com owes too much"));
    assert_eq!(stored(&database).await, (1, 1));

    assert!(order(&database, "40000").status.success());
    assert_eq!(stored(&database).await, (2, 2));
}
