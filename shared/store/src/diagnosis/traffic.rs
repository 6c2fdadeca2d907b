//! Messages under way, and the tables they are in.

use diesel_async::AsyncPgConnection;
use serde::Deserialize;

use super::{row, rows};
use crate::Error;

/// Messages, of the last hundred thousand that were accepted where it is about finished ones.
#[derive(Clone, Debug, Deserialize)]
pub struct Traffic {
    /// Messages that lost a lease in the last hour: their deliveries are more than their attempts.
    pub lost_leases: i64,
    /// Messages that were accepted in the last hour, to know how many those are.
    pub accepted: i64,
    /// Messages that wait at a gate.
    pub waiting: i64,
    /// For how long the oldest of them has.
    pub longest_wait_s: Option<f64>,
    /// Gates that are paused, and hold messages back.
    pub paused_gates: Vec<String>,
    /// The most retries that an open message may have with the built-in delays.
    pub most_retries: Option<i64>,
    /// Hosts of targets that are reached without encryption, by schedules, URL groups and open messages.
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

/// Looks at the messages.
pub async fn look(conn: &mut AsyncPgConnection) -> Result<Traffic, Error> {
    row(conn, TRAFFIC).await
}

/// Dead rows of a table.
#[derive(Clone, Debug, Deserialize)]
pub struct Table {
    /// The table.
    pub name: String,
    /// Rows, as the server estimates.
    pub live: i64,
    /// Rows that no one sees any more and that are still there.
    pub dead: i64,
}

/// The tables that change most.
pub async fn tables(conn: &mut AsyncPgConnection) -> Result<Vec<Table>, Error> {
    let query = "
        select relname as name, n_live_tup as live, n_dead_tup as dead from pg_stat_user_tables
        where schemaname = current_schema()
          and relname in ('messages', 'job_executions', 'gates', 'slots', 'deduplications', 'schedules')
        order by relname";
    rows(conn, query).await
}
