//! Orders.

use anyhow::{Result, ensure};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use serde_json::{Value, json};
use sigpost_jobs::payloads::SendEmail;
use sigpost_jobs::{EnqueueOptions, Handlers, enqueue_in};

diesel::table! {
    orders (id) {
        id -> BigInt,
        email -> Text,
        cents -> Integer,
    }
}

/// Credit limit of a customer in cents.
const CREDIT: i64 = 100_000;

/// A new order.
pub(crate) struct Order {
    pub(crate) email: String,
    pub(crate) cents: i32,
}

/// A stored order.
pub(crate) struct Placed {
    pub(crate) id: i64,
    pub(crate) message: String,
}

/// Stores the order and enqueues its e-mail in one transaction.
pub(crate) async fn place(conn: &mut AsyncPgConnection, handlers: &Handlers, order: &Order) -> Result<Placed> {
    conn.transaction(async |conn| {
        let id: i64 = diesel::insert_into(orders::table)
            .values((orders::email.eq(&order.email), orders::cents.eq(order.cents)))
            .returning(orders::id)
            .get_result(conn)
            .await?;
        let options = EnqueueOptions { correlation_id: Some(format!("order-{id}")), ..EnqueueOptions::default() };
        let message = enqueue_in(conn, handlers, &thanks(order, id), options).await?;

        // An error rolls back the order and its e-mail.
        let owed = orders::table.filter(orders::email.eq(&order.email)).select(orders::cents).load::<i32>(conn).await?;
        ensure!(owed.into_iter().map(i64::from).sum::<i64>() <= CREDIT, "{} owes too much", order.email);
        Ok(Placed { id, message: message.to_string() })
    })
    .await
}

fn thanks(order: &Order, id: i64) -> SendEmail {
    let Value::Object(data) = json!({ "dashboardUrl": format!("https://shop.example/orders/{id}") }) else {
        unreachable!("an object was written")
    };
    SendEmail::new("welcome", vec![order.email.clone()], data)
}
