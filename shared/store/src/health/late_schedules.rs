//! Schedules with a late firing.

use std::marker::PhantomData;

use diesel::sql_types::{Double, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::Error;

/// A schedule with a late firing.
#[derive(Clone, Debug, PartialEq, diesel::Queryable)]
pub struct Late {
    /// Its id.
    pub id: String,
    /// Delay in seconds.
    pub late_s: f64,
}

statement! {
    List {} -> (Text, Double);
    "select id, extract(epoch from now() - next_fire_at)::float8 from schedules
     where next_fire_at < now() order by next_fire_at limit 100"
}

/// Returns the schedules with a due firing, the latest first; at most a hundred.
pub async fn late_schedules(conn: &mut AsyncPgConnection) -> Result<Vec<Late>, Error> {
    Ok(List { lifetime: PhantomData }.load(conn).await?)
}
