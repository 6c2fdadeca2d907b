//! What happened in an organization, for its members to read.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use jiff::Timestamp;
use jiff_diesel::ToDiesel;
use uuid::Uuid;

use crate::Error;
use crate::schema::activity_logs;

/// One thing that happened.
#[derive(Clone, Debug)]
pub struct NewActivity<'a> {
    /// Where.
    pub organization_id: &'a str,
    /// On whose behalf.
    pub user_id: &'a str,
    /// What, e.g. `payment.failed`.
    pub action: &'a str,
    /// From where, as far as known.
    pub ip_address: Option<&'a str>,
    /// When.
    pub at: Timestamp,
}

/// Writes it down.
pub async fn insert(conn: &mut AsyncPgConnection, new: &NewActivity<'_>) -> Result<(), Error> {
    diesel::insert_into(activity_logs::table)
        .values((
            activity_logs::id.eq(Uuid::now_v7()),
            activity_logs::organization_id.eq(new.organization_id),
            activity_logs::user_id.eq(new.user_id),
            activity_logs::action.eq(new.action),
            activity_logs::ip_address.eq(new.ip_address),
            activity_logs::created_at.eq(new.at.to_diesel()),
        ))
        .execute(conn)
        .await?;
    Ok(())
}
