//! Example shop: stores an order and the job for its e-mail in one transaction.
//!
//! ```text
//! DATABASE_URL=postgres://... BASE_URL=https://jobs.example.com orders ada@example.com 4200
//! ```
//!
//! The database is that of the deployment, with an additional table of the shop. The program sends no request: the commit
//! wakes a dispatcher.

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
    let order = Order { email: email.clone(), cents: cents.parse().context("invalid CENTS: must be a whole number")? };
    let placed = order::place(&mut conn, &Handlers::from_env()?, &order).await?;
    println!("order {}, e-mail message {}", placed.id, placed.message);
    Ok(())
}
