//! Activity logs: events in an organization, for its members.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use jiff::Timestamp;
use jiff_diesel::ToDiesel;
use uuid::Uuid;

use crate::Error;
use crate::schema::activity_logs;

/// An activity.
#[derive(Clone, Debug)]
pub struct NewActivity<'a> {
    /// The organization.
    pub organization_id: &'a str,
    /// The user.
    pub user_id: &'a str,
    /// The action, e.g. `payment.failed`.
    pub action: &'a str,
    /// The IP address, if known.
    pub ip_address: Option<&'a str>,
    /// Time of the activity.
    pub at: Timestamp,
}

/// Inserts an activity.
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
