//! Facts about schedules: late ones, and their settings.

use diesel_async::AsyncPgConnection;
use serde::Deserialize;

use super::rows;
use crate::Error;
use crate::messages::WITHOUT_USER_INFO;

/// The properties of a schedule that are checked.
#[derive(Clone, Debug, Deserialize)]
pub struct Schedule {
    /// Its id.
    pub id: String,
    /// Its expression.
    pub cron: String,
    /// The destination of its messages.
    pub destination: String,
    /// Equal for two schedules that publish the same message.
    pub content: String,
    /// Whether it is paused.
    pub paused: bool,
    /// Delay of the due firing; `None` if none is due.
    pub late_s: Option<f64>,
    /// Time since its copy in EventBridge was last known to match; `None` if it matches, or if the schedule has just
    /// changed.
    pub unmirrored_s: Option<f64>,
    /// Whether a copy ever existed.
    pub mirrored: bool,
    /// Why its last firing published nothing.
    pub error: Option<String>,
}

/// Returns all schedules by ID.
pub async fn all(conn: &mut AsyncPgConnection) -> Result<Vec<Schedule>, Error> {
    let query = format!(
        "
        select id, cron, regexp_replace(destination{WITHOUT_USER_INFO} as destination, paused, error,
               md5(cron || ' ' || destination || ' ' || parameters::text || ' ' || encode(body, 'hex')) as content,
               case when next_fire_at < now() then extract(epoch from now() - next_fire_at) end as late_s,
               case when mirrored_at is null then extract(epoch from now() - greatest(updated_at, fires_from)) end
                   as unmirrored_s,
               mirrored_at is not null as mirrored
        from schedules order by id"
    );
    rows(conn, &query).await
}
