//! A shop: an order and the job of its e-mail are stored together, or neither is.
//!
//! ```text
//! DATABASE_URL=postgres://... BASE_URL=https://jobs.example.com orders ada@example.com 4200
//! ```
//!
//! The database is the deployment's own, here with a table of the shop's beside it. No request is sent to
//! anybody: a dispatcher is told by the commit.

mod order;

use std::env;

use anyhow::{Context, Result};
use diesel_async::{AsyncConnection, AsyncPgConnection};
use sigpost_jobs::Handlers;

use order::Order;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [email, cents] = &arguments[..] else { anyhow::bail!("usage: orders EMAIL CENTS") };
    let url = env::var("DATABASE_URL").context("DATABASE_URL is not set")?;
    let mut conn = AsyncPgConnection::establish(&url).await?;
    let order = Order { email: email.clone(), cents: cents.parse().context("CENTS is a number")? };
    let placed = order::place(&mut conn, &Handlers::from_env()?, &order).await?;
    println!("order {}, and its e-mail {}", placed.id, placed.message);
    Ok(())
}
