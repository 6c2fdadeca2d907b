//! Groups of dead letters.

use std::marker::PhantomData;

use diesel::sql_types::{BigInt, Integer, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use sigpost_qstash::admin::DeadLetterGroup;

use super::LIST_MOST;
use crate::Error;

statement! {
    Groups { looked_at: i64 => BigInt, most: i64 => BigInt } -> (Text, Integer, Nullable<Text>, BigInt, BigInt, BigInt);
    "select url_authority(m.url) || url_path(m.url) as destination, d.response_status,
            (array_agg(d.error order by d.failed_at desc))[1], count(*) as count,
            (extract(epoch from min(d.failed_at)) * 1000)::bigint, (extract(epoch from max(d.failed_at)) * 1000)::bigint
     from (select * from dead_letters order by failed_at desc, id desc limit " {looked_at} ") d
     join messages m on m.id = d.message_id
     group by destination, d.response_status order by count desc, destination, d.response_status limit " {most}
}

type Row = (String, i32, Option<String>, i64, i64, i64);

fn group((destination, response_status, error, count, first_at_ms, last_at_ms): Row) -> DeadLetterGroup {
    DeadLetterGroup { destination, response_status, error, count, first_at_ms, last_at_ms }
}

/// Returns the newest 10,000 dead letters in groups, the largest first.
pub async fn dead_letter_groups(conn: &mut AsyncPgConnection) -> Result<Vec<DeadLetterGroup>, Error> {
    let rows: Vec<Row> = Groups { looked_at: 10_000, most: LIST_MOST, lifetime: PhantomData }.load(conn).await?;
    Ok(rows.into_iter().map(group).collect())
}
