//! A database with many delivered messages, as after days of use. This file and `audit.rs` are the only ones that name
//! tables of sigpost: change their statements when the tables change.

use std::time::Instant;

use anyhow::{Context, Result};

use crate::audit::{self, Expected};
use crate::load;
use crate::load::closed_loop::Extent;
use crate::postgres;
use crate::progress::{grouped, progress};
use crate::serve::process::Delivery;
use crate::sink::Destination;
use crate::testbed::Testbed;

/// Messages that `serve` delivers. All others are copies of their rows.
const ORIGINALS: u64 = 1_000;
/// Copies of each original per statement.
const COPIES: u64 = 100;
const CONNECTIONS: usize = 16;

/// Copies all rows of messages under new IDs: UUIDs of version 7, each a millisecond older than the one before, so that
/// new messages have the greatest. $1: the originals, $2 and $3: the first and the last number of a copy.
const COPY: &str = "
    with copies as materialized (
        select o.id as original_id,
            overlay(overlay(md5(o.id::text || n)
                placing lpad(to_hex((extract(epoch from now()) * 1000)::bigint - n * 1000 - o.number), 12, '0') from 1)
                placing '7' from 13)::uuid as id
        from unnest($1::text[]::uuid[]) with ordinality o (id, number), generate_series($2::bigint, $3::bigint) n
    ), copied_messages as (
        insert into messages
        select r.* from copies c join messages m on m.id = c.original_id,
            jsonb_populate_record(m, jsonb_build_object('id', c.id)) r
    )
    insert into attempts
    select r.* from copies c join attempts a on a.message_id = c.original_id,
        jsonb_populate_record(a, jsonb_build_object('message_id', c.id)) r";
const ORIGINAL_IDS: &str = "select array_agg(id::text order by id) from messages";

/// The database. All runs share it, so the messages of each run are retained too.
pub(crate) struct Retained(String);

impl Retained {
    /// Fills a database with this many delivered messages.
    pub(crate) async fn create(testbed: &Testbed, messages: u64) -> Result<Self> {
        let started = Instant::now();
        let url = testbed.postgres.kept_database("retained").await?;
        fill(testbed, &url, messages).await.context("filling a database with retained messages")?;
        let what = format!("{} retained messages", grouped(messages as f64));
        progress("retained", &what, &format!("inserted in {:.0} s", started.elapsed().as_secs_f64()));
        Ok(Self(url))
    }

    pub(crate) fn url(&self) -> &str {
        &self.0
    }
}

async fn fill(testbed: &Testbed, url: &str, messages: u64) -> Result<()> {
    let originals = messages.min(ORIGINALS);
    testbed.sink.reset().await?;
    let serve = testbed.serve(url, Delivery::On).await?;
    let target = serve.publish_to(&testbed.sink.url(Destination::Plain));
    load::closed(&target, CONNECTIONS, Extent::Steps(originals)).await?;
    testbed.sink.received(originals).await?;
    audit::recorded(url).await?;
    serve.stop().await?;

    let client = postgres::connect(url).await?;
    let ids: Vec<String> = client.query_one(ORIGINAL_IDS, &[]).await?.get(0);
    let (copies, rest) = ((messages / originals).saturating_sub(1), messages % originals);
    let copy = client.prepare(COPY).await?;
    for first in (1..=copies).step_by(usize::try_from(COPIES)?) {
        let last = copies.min(first + COPIES - 1);
        client.execute(&copy, &[&ids, &i64::try_from(first)?, &i64::try_from(last)?]).await?;
    }
    let (rest, number) = (&ids[..usize::try_from(rest)?], i64::try_from(copies + 1)?);
    client.execute(&copy, &[&rest, &number, &number]).await?;
    audit::check(url, messages, Expected::Delivered).await?;
    client.batch_execute("vacuum (analyze)").await.context("vacuum")?;
    testbed.postgres.checkpoint().await
}
