//! Groups of dead letters.

use std::marker::PhantomData;

use diesel::sql_types::{BigInt, Integer, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Serialize;

use super::LIST_MOST;
use crate::Error;

/// Dead letters of one destination with the same response status.
#[derive(Clone, Debug, PartialEq, Eq, diesel::Queryable, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetterGroup {
    /// Host and path of the destination.
    pub destination: String,
    /// Status of the response; 0 without a response.
    pub response_status: i32,
    /// The error of the newest one.
    pub error: Option<String>,
    /// Number of dead letters.
    pub count: i64,
    /// Failure time of the oldest.
    #[serde(rename = "firstAt")]
    pub first_at_ms: i64,
    /// Failure time of the newest.
    #[serde(rename = "lastAt")]
    pub last_at_ms: i64,
}

statement! {
    Groups { looked_at: i64 => BigInt, most: i64 => BigInt } -> (Text, Integer, Nullable<Text>, BigInt, BigInt, BigInt);
    "select url_authority(m.url) || url_path(m.url) as destination, d.response_status,
            (array_agg(d.error order by d.failed_at desc))[1], count(*) as count,
            (extract(epoch from min(d.failed_at)) * 1000)::bigint, (extract(epoch from max(d.failed_at)) * 1000)::bigint
     from (select * from dead_letters order by failed_at desc, id desc limit " {looked_at} ") d
     join messages m on m.id = d.message_id
     group by destination, d.response_status order by count desc, destination, d.response_status limit " {most}
}

/// Returns the newest 10,000 dead letters in groups, the largest first.
pub async fn dead_letter_groups(conn: &mut AsyncPgConnection) -> Result<Vec<DeadLetterGroup>, Error> {
    Ok(Groups { looked_at: 10_000, most: LIST_MOST, lifetime: PhantomData }.load(conn).await?)
}
