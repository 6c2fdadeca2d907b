//! Facts about messages in progress and their tables.

use diesel_async::AsyncPgConnection;
use serde::Deserialize;

use super::{row, rows};
use crate::Error;

/// Facts about messages. Those about finished ones cover the last hundred thousand accepted messages.
#[derive(Clone, Debug, Deserialize)]
pub struct Traffic {
    /// Messages of the last hour that lost a lease: they have more deliveries than attempts.
    pub lost_leases: i64,
    /// Messages accepted in the last hour, for comparison.
    pub accepted: i64,
    /// Blocked messages.
    pub waiting: i64,
    /// Age of the oldest blocked message.
    pub longest_wait_s: Option<f64>,
    /// Paused queues and flow-control keys with blocked messages.
    pub paused_gates: Vec<String>,
    /// Maximum of retries of an open message with the default backoff.
    pub most_retries: Option<i64>,
    /// Hosts of schedules, URL groups and open messages that are reached without encryption.
    pub plain_hosts: Vec<String>,
}

const TRAFFIC: &str = "
    with recent as (
        select created_at from messages order by id desc limit 100000
    ),
    urls as (
        select url from (select url from pending_deliveries join messages using (id) limit 10000) pending
        union all select destination from schedules
        union all select e ->> 'url' from url_groups, json_array_elements(endpoints) e
    )
    select (select count(distinct message_id) from attempts
            where outcome = 'lease_expired' and ended_at > now() - interval '1 hour') as lost_leases,
           (select count(*) from recent where created_at > now() - interval '1 hour') as accepted,
           (select count(*) from pending_deliveries where blocked_by is not null) as waiting,
           (select extract(epoch from now() - min(due_at)) from pending_deliveries
            where blocked_by is not null and due_at <= now()) as longest_wait_s,
           array(select id from gates g where paused and exists (select from pending_deliveries where blocked_by = g.id)
                 order by id limit 20) as paused_gates,
           (select max(m.retries) from pending_deliveries p join messages m using (id) where m.retry_delay is null) as most_retries,
           array(select distinct split_part(url_authority(url), ':', 1) from urls
                 where url like 'http://%' order by 1 limit 20) as plain_hosts";

/// Reads the facts about messages.
pub async fn look(conn: &mut AsyncPgConnection) -> Result<Traffic, Error> {
    row(conn, TRAFFIC).await
}

/// Live and dead rows of a table.
#[derive(Clone, Debug, Deserialize)]
pub struct Table {
    /// The table.
    pub name: String,
    /// Live rows, as estimated by the server.
    pub live: i64,
    /// Dead rows that are not yet vacuumed.
    pub dead: i64,
}

/// Returns the tables that change most.
pub async fn tables(conn: &mut AsyncPgConnection) -> Result<Vec<Table>, Error> {
    let query = "
        select relname as name, n_live_tup as live, n_dead_tup as dead from pg_stat_user_tables
        where schemaname = current_schema()
          and relname in ('messages', 'job_executions', 'gates', 'slots', 'deduplications', 'schedules')
        order by relname";
    rows(conn, query).await
}
