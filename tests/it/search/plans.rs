//! The plans by which the server's statements were run, as Postgres wrote them into its log.

use serde_json::{Deserializer, Value};

use crate::support::TestDatabase;

/// Where the log of the tests' Postgres is, and how long it is by now.
const LOG: &str = "current_setting('data_directory') || '/../postgres.log'";

/// The log of plans, read as it grows.
pub(super) struct Plans<'a> {
    database: &'a TestDatabase,
    read_bytes: i64,
}

impl<'a> Plans<'a> {
    /// From now on every new connection to this database, and to no other, logs the plan of each
    /// statement. The library comes with Postgres.
    pub(super) async fn log(database: &'a TestDatabase) -> Self {
        for setting in [
            "session_preload_libraries = auto_explain",
            "auto_explain.log_min_duration = 0",
            "auto_explain.log_format = json",
        ] {
            let alter = format!("execute format('alter database %I set {setting}', current_database())");
            database.execute(&format!("do $$ begin {alter}; end $$")).await;
        }
        let mut plans = Self { database, read_bytes: 0 };
        plans.read().await;
        plans
    }

    /// The plans that were logged since this was called the last time.
    pub(super) async fn read(&mut self) -> Vec<Value> {
        let size = self.database.count(&format!("select size from pg_stat_file({LOG})")).await;
        let sql = format!("select pg_read_binary_file({LOG}, $1, $2)");
        let rows = self.database.query(&sql, &[&self.read_bytes, &(size - self.read_bytes)]).await;
        self.read_bytes = size;
        let log: Vec<u8> = rows[0].get(0);
        let log = String::from_utf8_lossy(&log);
        let plan = |text| Deserializer::from_str(text).into_iter().next().expect("a plan").expect("JSON");
        log.split(" plan:\n").skip(1).map(plan).collect()
    }
}

/// The tables that nodes of this type read, with those below.
pub(super) fn tables<'a>(plan: &'a Value, is_node: &impl Fn(&str) -> bool) -> Vec<&'a str> {
    let below: Vec<&Value> = match plan {
        Value::Object(fields) => fields.values().collect(),
        Value::Array(values) => values.iter().collect(),
        _ => Vec::new(),
    };
    let own = plan["Relation Name"].as_str().filter(|_| plan["Node Type"].as_str().is_some_and(is_node));
    own.into_iter().chain(below.into_iter().flat_map(|plan| tables(plan, is_node))).collect()
}
