//! The server and this session on it.

use diesel_async::AsyncPgConnection;
use serde::Deserialize;

use super::row;
use crate::Error;

/// The settings of the server, and its sessions.
#[derive(Clone, Debug, Deserialize)]
pub struct Server {
    /// The version number; `170004` is 17.4.
    pub version_num: i32,
    /// Available connections of a user: `max_connections` without the reserved ones, or the limit of the database or
    /// of the role, if that is lower.
    pub usable_connections: i64,
    /// Current client connections, except this one.
    pub used_connections: i64,
    /// Connections of this role in this database.
    pub own_connections: i64,
    /// Sessions with a listener; each dispatcher process has one.
    pub listeners: i64,
    /// `autovacuum`.
    pub autovacuum: bool,
    /// Settings that are off and without which a crash can lose committed data.
    pub lossy: Vec<String>,
    /// `statement_timeout` in milliseconds; 0 is none. The following timeouts alike.
    pub statement_timeout_ms: i64,
    /// `idle_session_timeout`.
    pub idle_session_timeout_ms: i64,
    /// `transaction_timeout`, from Postgres 17 on.
    pub transaction_timeout_ms: i64,
    /// Whether this connection is encrypted.
    pub encrypted: bool,
    /// Age of the oldest transaction in this database.
    pub oldest_transaction_s: f64,
    /// Time of the query, in seconds since 1970.
    pub now_s: f64,
    /// Missing table privileges of this role.
    pub forbidden: Vec<String>,
}

const SERVER: &str = "
    with setting as (select name, setting from pg_settings),
    clients as (
        select pid, datname, usename, query, xact_start, state from pg_stat_activity
        where backend_type = 'client backend' and pid <> pg_backend_pid()
    ),
    tables as (
        select oid, relname, relowner from pg_class
        where relnamespace = current_schema()::text::regnamespace and relkind in ('r', 'p')
          and (relname in ('messages', 'pending_deliveries', 'attempts', 'past_events', 'dead_letters', 'deduplications', 'gates', 'slots', 'schedules',
                           'url_groups', 'signing_keys', 'dispatchers', 'api_tokens', 'run_rollups', 'message_rollups',
                           'rollup_progress', 'queue_samples', 'processes'))
    ),
    wanted as (
        select relname, unnest(array['select', 'insert', 'update', 'delete']) as privilege, oid from tables
    )
    select current_setting('server_version_num')::int as version_num,
           least(
               current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
                   - coalesce(current_setting('reserved_connections', true)::int, 0),
               (select nullif(datconnlimit, -1) from pg_database where datname = current_database()),
               (select nullif(rolconnlimit, -1) from pg_roles where rolname = current_user)
           ) as usable_connections,
           (select count(*) from clients) as used_connections,
           (select count(*) from clients where datname = current_database() and usename = current_user)
               as own_connections,
           (select count(*) from clients where datname = current_database() and query = 'listen sigpost') as listeners,
           current_setting('autovacuum')::boolean as autovacuum,
           array(select name from setting where name in ('fsync', 'full_page_writes', 'synchronous_commit')
                 and setting = 'off' order by name) as lossy,
           (select setting::bigint from setting where name = 'statement_timeout') as statement_timeout_ms,
           (select coalesce(max(setting::bigint), 0) from setting where name = 'idle_session_timeout')
               as idle_session_timeout_ms,
           (select coalesce(max(setting::bigint), 0) from setting where name = 'transaction_timeout')
               as transaction_timeout_ms,
           coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false) as encrypted,
           coalesce((select extract(epoch from now() - min(xact_start)) from clients where datname = current_database()), 0)
               as oldest_transaction_s,
           extract(epoch from clock_timestamp()) as now_s,
           array(
               select privilege || ' on ' || relname from wanted where not has_table_privilege(oid, privilege)
               union all
               select 'own ' || relname || ', to create and drop its days' from tables
               where relname in ('messages', 'attempts') and not pg_has_role(relowner, 'usage')
               order by 1
           ) as forbidden";

/// Reads the state of the server.
pub async fn look(conn: &mut AsyncPgConnection) -> Result<Server, Error> {
    row(conn, SERVER).await
}
