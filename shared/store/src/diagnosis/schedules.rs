//! Schedules: those that are late, and what they say.

use diesel_async::AsyncPgConnection;
use serde::Deserialize;

use super::rows;
use crate::Error;
use crate::messages::WITHOUT_USER_INFO;

/// A schedule as far as it can be wrong.
#[derive(Clone, Debug, Deserialize)]
pub struct Schedule {
    /// Its id.
    pub id: String,
    /// Its expression.
    pub cron: String,
    /// Where it publishes to.
    pub destination: String,
    /// The same for two schedules that publish the same.
    pub content: String,
    /// It does not fire.
    pub paused: bool,
    /// For how long it should have fired; `None` if it is not due.
    pub late_s: Option<f64>,
    /// For how long its copy at EventBridge has not been known to agree; `None` if it is, or if it
    /// changed just now.
    pub unmirrored_s: Option<f64>,
    /// Whether there ever was a copy.
    pub mirrored: bool,
    /// Why its last firing published nothing.
    pub error: Option<String>,
}

/// All of them, by their ids.
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
