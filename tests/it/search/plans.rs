//! Plans of the server's statements, from Postgres's log.

use serde_json::{Deserializer, Value};

use crate::support::TestDatabase;

/// The log file of the tests' Postgres and its current length.
const LOG: &str = "current_setting('data_directory') || '/../postgres.log'";

/// A reader of the logged plans.
pub(super) struct Plans<'a> {
    database: &'a TestDatabase,
    read_bytes: i64,
}

impl<'a> Plans<'a> {
    /// Makes every new connection to this database log the plans of its statements. The library is part of Postgres.
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

    /// Returns the plans that were logged since the last call.
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

/// Returns the tables that nodes of this type read, including subplans.
pub(super) fn tables<'a>(plan: &'a Value, is_node: &impl Fn(&str) -> bool) -> Vec<&'a str> {
    let below: Vec<&Value> = match plan {
        Value::Object(fields) => fields.values().collect(),
        Value::Array(values) => values.iter().collect(),
        _ => Vec::new(),
    };
    let own = plan["Relation Name"].as_str().filter(|_| plan["Node Type"].as_str().is_some_and(is_node));
    own.into_iter().chain(below.into_iter().flat_map(|plan| tables(plan, is_node))).collect()
}
