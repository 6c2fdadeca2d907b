//! The state of Stripe's objects: customers, their subscriptions, and processed events. All functions run in a
//! transaction of the caller.

use std::marker::PhantomData;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use jiff::Timestamp;
use jiff_diesel::ToDiesel;

use crate::Error;
use crate::schema::{stripe_customers, stripe_events};

/// The owner of a Stripe customer.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = stripe_customers, check_for_backend(diesel::pg::Pg))]
pub struct Customer {
    /// The organization of the subscription.
    pub organization_id: String,
    /// The user who is notified.
    pub owner_id: String,
    /// The address for e-mails.
    pub owner_email: String,
    /// The owner's name.
    pub owner_name: Option<String>,
    /// The name of the plan, if known.
    pub plan_name: Option<String>,
}

/// Returns and locks the customer with this ID at Stripe: its events are processed one by one.
pub async fn find_customer(conn: &mut AsyncPgConnection, id: &str) -> Result<Option<Customer>, Error> {
    let customer = stripe_customers::table.find(id).select(Customer::as_select()).for_update();
    Ok(customer.first(conn).await.optional()?)
}

/// A processed event.
#[derive(Clone, Copy, Debug)]
pub struct ProcessedEvent<'a> {
    /// The ID at Stripe: `evt_...`.
    pub id: &'a str,
    /// Its type.
    pub kind: &'a str,
    /// Time of the event at Stripe.
    pub at: Timestamp,
    /// The message of the job.
    pub message_id: &'a str,
}

/// Records a processed event. Returns `false` if it was recorded before and must be skipped.
pub async fn remember_event(conn: &mut AsyncPgConnection, event: ProcessedEvent<'_>) -> Result<bool, Error> {
    let inserted = diesel::insert_into(stripe_events::table)
        .values((
            stripe_events::id.eq(event.id),
            stripe_events::kind.eq(event.kind),
            stripe_events::at.eq(event.at.to_diesel()),
            stripe_events::message_id.eq(event.message_id),
        ))
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    Ok(inserted == 1)
}

/// The state of a subscription in an event.
#[derive(Clone, Copy, Debug)]
pub struct SubscriptionState<'a> {
    /// The ID at Stripe: `sub_...`.
    pub id: &'a str,
    /// The customer: `cus_...`.
    pub customer_id: &'a str,
    /// The status in Stripe's terms.
    pub status: &'a str,
    /// Whether Stripe has deleted it.
    pub deleted: bool,
    /// The product, if the event has one.
    pub product_id: Option<&'a str>,
    /// The name of the plan, if the event has one.
    pub plan_name: Option<&'a str>,
    /// The ID of the event.
    pub event_id: &'a str,
    /// Time of the event at Stripe.
    pub at: Timestamp,
}

statement! {
    /// Stripe's times are whole seconds: of two events in the same second, the later arrival counts.
    Advance {
        id: &'a str => Text,
        customer_id: &'a str => Text,
        status: &'a str => Text,
        deleted: bool => Bool,
        event_id: &'a str => Text,
        at_s: i64 => BigInt,
    } -> Bool;
    "with advanced as (
        insert into stripe_subscriptions as known (id, customer_id, status, deleted, event_id, event_at)
        values (" {id} "," {customer_id} "," {status} "," {deleted} "," {event_id} ", to_timestamp(" {at_s} "))
        on conflict (id) do update set
            status = excluded.status, deleted = excluded.deleted, event_id = excluded.event_id, event_at = excluded.event_at
        where not known.deleted and (known.event_at <= excluded.event_at or excluded.deleted)
        returning id
    )
    select exists (select from advanced)"
}

statement! {
    /// An active subscription becomes the customer's current one. An inactive one changes the customer only if it is
    /// the current one: the end of an old subscription does not end its successor.
    SetSubscription {
        customer_id: &'a str => Text,
        id: &'a str => Text,
        runs: bool => Bool,
        ended: bool => Bool,
        product_id: Option<&'a str> => Nullable<Text>,
        plan_name: Option<&'a str> => Nullable<Text>,
        status: &'a str => Text,
        at_s: i64 => BigInt,
    } -> BigInt;
    "with event as (
        select " {customer_id} " as customer_id, " {id} " as id, " {runs} " as runs, " {ended} " as ended,"
               {product_id} " as product_id, " {plan_name} " as plan_name, " {status} " as status,
               to_timestamp(" {at_s} ") as at
    ),
    changed as (
        update stripe_customers c set
            subscription_id = case when event.runs then event.id when not event.ended then c.subscription_id end,
            product_id = case when event.runs then event.product_id when not event.ended then c.product_id end,
            plan_name = case
                when event.runs and event.product_id is not distinct from c.product_id then coalesce(event.plan_name, c.plan_name)
                when event.runs then event.plan_name
                when not event.ended then c.plan_name
            end,
            subscription_status = event.status,
            subscription_event_at = event.at,
            updated_at = now()
        from event
        where c.id = event.customer_id and case
            when event.runs then coalesce(c.subscription_event_at <= event.at, true)
            else coalesce(c.subscription_id = event.id, true)
        end
        returning c.id
    )
    select count(*) from changed"
}

/// Applies the state of a subscription in an event. Returns `false`, without a change, if a later event or the
/// deletion was applied before.
pub async fn advance(conn: &mut AsyncPgConnection, state: SubscriptionState<'_>) -> Result<bool, Error> {
    let SubscriptionState { id, customer_id, status, deleted, product_id, plan_name, event_id, at } = state;
    let at_s = at.as_second();
    let advance = Advance { id, customer_id, status, deleted, event_id, at_s, lifetime: PhantomData };
    let advanced: bool = advance.get_result(conn).await?;
    if advanced {
        let runs = !deleted && matches!(status, "active" | "trialing");
        let ended = deleted || matches!(status, "canceled" | "unpaid");
        let lifetime = PhantomData;
        let set = SetSubscription { customer_id, id, runs, ended, product_id, plan_name, status, at_s, lifetime };
        let _: i64 = set.get_result(conn).await?;
    }
    Ok(advanced)
}
