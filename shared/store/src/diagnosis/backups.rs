//! Backups, as far as the server shows them.

use diesel_async::AsyncPgConnection;
use serde::Deserialize;

use super::row;
use crate::Error;

/// Archiving, standbys, and the service that manages the server.
#[derive(Clone, Debug, Deserialize)]
pub struct Backups {
    /// Whether `archive_mode` is on and a command or a library is set.
    pub archives: bool,
    /// Time since the last archived segment; `None` without one.
    pub archived_s: Option<f64>,
    /// Whether the last attempt to archive failed.
    pub archiving_fails: bool,
    /// Connected standbys and archivers (`pg_receivewal`).
    pub receivers: i64,
    /// Replication slots without a consumer: they retain WAL until the disk is full.
    pub idle_slots: Vec<String>,
    /// The managed service, whose own snapshots cannot be seen here.
    pub service: Option<String>,
}

/// Reads the state of backups.
pub async fn look(conn: &mut AsyncPgConnection) -> Result<Backups, Error> {
    let query = "
        with given as (select name, setting from pg_settings)
        select exists (select from given where name = 'archive_mode' and setting in ('on', 'always'))
                   and exists (select from given where name in ('archive_command', 'archive_library')
                               and setting not in ('', '(disabled)')) as archives,
               (select extract(epoch from now() - last_archived_time) from pg_stat_archiver) as archived_s,
               coalesce((select last_failed_time > coalesce(last_archived_time, '-infinity') from pg_stat_archiver), false)
                   as archiving_fails,
               (select count(*) from pg_stat_replication) as receivers,
               array(select slot_name::text from pg_replication_slots where not active order by 1) as idle_slots,
               case when exists (select from given where name = 'rds.extensions') then 'RDS'
                    when exists (select from given where name like 'cloudsql.%') then 'Cloud SQL'
                    when exists (select from given where name like 'azure.%') then 'Azure Database'
                    when exists (select from given where name like 'neon.%') then 'Neon'
               end as service";
    row(conn, query).await
}
