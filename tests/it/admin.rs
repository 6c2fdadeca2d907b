//! The admin API.

mod health;
mod lists;
mod metrics;
mod prometheus;
mod queue_depth;
mod verdict;

use admin::AdminToken;
use serde_json::Value;
use sigpost_health::Rules;
use sigpost_store::Database;

use crate::jobs::deployment::{Answered, answer, listen, serve};
use crate::support::TestDatabase;

/// The admin token.
pub(crate) const TOKEN: &str = "the-admin-token-in-32-characters";

/// Adds the admin token to a request.
pub(crate) fn with_token() -> admin::Authorization {
    admin::Authorization::Token(AdminToken::new(TOKEN).expect("a token"))
}

/// The admin function, on a database without a dispatcher.
struct Admin {
    url: String,
    database: TestDatabase,
    client: reqwest::Client,
}

impl Admin {
    async fn start() -> Self {
        let database = TestDatabase::new().await;
        Self::start_over(database.url.clone(), database).await
    }

    async fn start_over(database_url: String, database: TestDatabase) -> Self {
        let (listener, url) = listen().await;
        serve(listener, admin::router(Database::new(&database_url, 2).expect("a URL"), with_token(), Rules::default()));
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        Self { url, database, client }
    }

    fn path(&self, path: &str) -> String {
        format!("{}/api/admin{path}", self.url)
    }

    async fn get(&self, path: &str) -> Answered {
        answer(self.client.get(self.path(path)).bearer_auth(TOKEN)).await
    }

    async fn health(&self, query: &str) -> Answered {
        self.get(&format!("/job-health{query}")).await
    }

    /// Returns the status and the health.
    async fn verdict(&self) -> (u16, Value) {
        let answered = self.health("").await;
        (answered.status.as_u16(), answered.body["health"].clone())
    }

    /// Inserts runs that ended the given time ago, each after one second of work.
    async fn runs(&self, count: u32, job_type: &str, status: &str, ended_ago: &str) {
        let sql = format!(
            "insert into job_executions (id, message_id, job_type, attempt, status, started_at, completed_at, created_at)
             select gen_random_uuid(), 'msg_' || gen_random_uuid(), '{job_type}', 1, '{status}',
                    ended - interval '1 second', ended, ended - interval '1 second'
             from generate_series(1, {count}), (select now() - interval '{ended_ago}' as ended) at"
        );
        self.database.execute(&sql).await;
        self.delete_rollups().await;
    }

    /// Deletes the rollups of the last week.
    async fn delete_rollups(&self) {
        let sql = "update rollup_progress set until = date_trunc('minute', now() - interval '8 days')";
        self.database.execute(sql).await;
    }

    /// Inserts an active run with its start and the end of its lease.
    async fn insert_active_run(&self, message_id: &str, began_ago: &str, lease: &str) {
        let sql = format!(
            "insert into job_executions (id, message_id, job_type, attempt, lease_until, started_at, created_at)
             values (gen_random_uuid(), '{message_id}', 'play', 1, now() + interval '{lease}',
                     now() - interval '{began_ago}', now() - interval '{began_ago}')"
        );
        self.database.execute(&sql).await;
    }

    /// Inserts a message in this state with this due time.
    async fn message(&self, state: &str, due_in: &str) {
        let lease = if state == "active" { "gen_random_uuid()" } else { "null" };
        let sql = format!(
            "insert into seeds.messages (id, state, due_at, lease_token, url, method, header, body, retries, labels, not_before)
             values (gen_random_uuid(), '{state}', now() + interval '{due_in}', {lease}, 'http://127.0.0.1:1/', 'POST',
                     '{{}}', '', 3, '{{}}', now())"
        );
        self.database.execute(&sql).await;
    }
}
