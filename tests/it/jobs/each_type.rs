//! Failure scenarios of a run for every job type, against Postgres and, for types with a provider, an HTTP provider.
//! Each test has its own deployment.

mod files;
mod housekeeping;
mod letters;
mod middle;
mod provider;
mod subject;
mod trial;
mod webhooks;

use dispatch::dispatcher::StepKind;
use serde_json::json;
use sigpost_qstash::MessageId;

use self::subject::{Effects, Hopeless, Subject};
use self::trial::{Trial, with_a_zero_byte};
use super::deployment::answer;

async fn job_succeeds<S: Subject>() {
    let trial = Trial::<S>::start().await;
    let id = trial.publish(&trial.subject.payload()).await;
    trial.deployment.app.wait_for(id, StepKind::Delivered).await;
    assert_eq!(trial.deployment.story(id).await, ["1 completed"]);
    assert_eq!(trial.effects().await, S::ONCE);
}

async fn retry_after_500_repeats_no_side_effect<S: Subject>() {
    let trial = Trial::<S>::start().await;
    // The side effect succeeds and the record of the run fails.
    trial.block_completion().await;
    let id = trial.publish(&trial.subject.payload()).await;
    trial.deployment.app.wait_for(id, StepKind::Retried).await;
    assert_eq!(trial.deployment.app.event(id, "ERROR").await["responseStatus"], 500);
    assert_eq!(trial.effects().await, Effects { written: 0, ..S::ONCE });

    trial.unblock_completion().await;
    trial.deployment.app.make_messages_due().await;
    trial.deployment.app.wait_for(id, StepKind::Delivered).await;
    assert_eq!(trial.effects().await, S::ONCE);
    assert_eq!(trial.deployment.runs(id).await.len(), 2);
}

async fn permanent_failure_is_a_dead_letter_immediately<S: Hopeless>() {
    let trial = Trial::<S>::start().await;
    let (payload, error) = trial.subject.hopeless(&trial.deployment.app.database).await;
    let id = trial.publish(&payload).await;
    trial.deployment.app.wait_for(id, StepKind::Failed).await;
    assert_eq!(trial.deployment.dead_letter_error(id).await, error);
    assert_eq!(trial.deployment.app.states(id).await, "CREATED ACTIVE ERROR FAILED");
    assert_eq!(trial.effects().await.written, 0);
}

async fn invalid_job_is_a_dead_letter_that_names_the_field<S: Subject>() {
    let trial = Trial::<S>::start().await;
    let (payload, error) = trial.subject.malformed();
    let id = trial.publish(&payload).await;
    trial.deployment.app.wait_for(id, StepKind::Failed).await;
    let said = trial.deployment.dead_letter_error(id).await;
    assert!(said.starts_with(error), "{said}");
    assert_eq!((trial.deployment.run_count().await, trial.effects().await), (0, Effects::default()));
}

/// Postgres cannot store a zero byte in a text column.
async fn zero_byte_in_any_text_causes_no_retry<S: Subject>() {
    let trial = Trial::<S>::start().await;
    for payload in with_a_zero_byte(&trial.subject.payload()) {
        let body = payload.to_string();
        assert!(body.contains("\\u0000"), "{body}");
        let answered = answer(trial.deployment.delivery_of::<S::Job>(MessageId::new(), &body)).await;
        assert!([200, 489].contains(&answered.status.as_u16()), "{body}: {answered:?}");
    }
}

async fn oversized_job_is_rejected_unread<S: Subject>() {
    let trial = Trial::<S>::start().await;
    let mut payload = trial.subject.payload();
    payload["rest"] = "x".repeat(trial::MAX_BODY_BYTES).into();
    let id = trial.deployment.publish::<S::Job>(&[("Upstash-Retries", "0")], &payload).await;
    trial.deployment.app.wait_for(id, StepKind::Failed).await;
    assert_eq!(trial.deployment.dead_letter().await["responseStatus"], 413);
    assert_eq!((trial.deployment.run_count().await, trial.effects().await), (0, Effects::default()));
}

async fn cancellation_stops_the_run_and_nothing_is_written<S: Subject>() {
    let trial = Trial::<S>::start().await;
    let held = trial.hold().await;
    let id = held.id;
    assert_eq!(trial.deployment.app.delete(&format!("/v2/messages/{id}")).await.body, json!({ "cancelled": 1 }));
    let answered = trial.advance_until_response(id, held.answer).await;
    assert_eq!(answered.rejection(), (489, "the message was cancelled"));
    trial.let_go(held.held).await;

    assert_eq!(trial.deployment.story(id).await, ["1 failed: the message was cancelled"]);
    assert_eq!(trial.deployment.app.message(id).await["state"], "CANCELED");
    assert_eq!(trial.effects().await.written, 0);
}

async fn run_that_loses_its_lease_writes_nothing<S: Subject>() {
    let trial = Trial::<S>::start().await;
    let held = trial.hold().await;
    let id = held.id;
    // As if its process paused for longer than the lease, and another delivery closed the run.
    let close =
        "update job_executions set status = 'failed', error = 'closed', completed_at = now(), lease_until = null";
    trial.deployment.app.database.execute(close).await;
    trial.let_go(held.held).await;
    let late = held.answer.await.expect("joined");
    assert_eq!(late.rejection(), (409, "the run lost its lease, another one may have started"));
    assert_eq!(trial.effects().await.written, 0);

    trial.deployment.app.make_messages_due().await;
    trial.deployment.app.wait_for(id, StepKind::Delivered).await;
    assert_eq!(trial.deployment.story(id).await, ["1 failed: closed", "1 completed"]);
    assert_eq!(trial.effects().await, S::ONCE);
}

async fn overdue_run_is_stopped_and_retried<S: Subject>() {
    let trial = Trial::<S>::start().await;
    let held = trial.hold().await;
    let id = held.id;
    let answered = trial.advance_until_response(id, held.answer).await;
    assert_eq!(answered.rejection(), (500, S::OVERDUE));
    trial.let_go(held.held).await;
    assert_eq!(trial.deployment.story(id).await, [format!("1 failed: {}", S::OVERDUE)]);
    assert_eq!(trial.effects().await.written, 0);

    trial.deployment.app.make_messages_due().await;
    trial.deployment.app.wait_for(id, StepKind::Delivered).await;
    assert_eq!(trial.effects().await, S::ONCE);
}

/// Defines every scenario as a test of each type, and the scenarios that are listed with a type.
macro_rules! trials {
    ($($name:ident: $subject:ty $(, $more:ident)*;)+) => {$(
        mod $name {
            trials!(@tests $subject,
                job_succeeds,
                retry_after_500_repeats_no_side_effect,
                invalid_job_is_a_dead_letter_that_names_the_field,
                zero_byte_in_any_text_causes_no_retry,
                oversized_job_is_rejected_unread,
                cancellation_stops_the_run_and_nothing_is_written,
                run_that_loses_its_lease_writes_nothing,
                overdue_run_is_stopped_and_retried,
                $($more,)*
            );
        }
    )+};
    (@tests $subject:ty, $($hazard:ident,)+) => {$(
        #[tokio::test]
        async fn $hazard() {
            super::$hazard::<$subject>().await;
        }
    )+};
}

// The other types have no valid job that fails permanently.
trials! {
    send_email: super::letters::Email, permanent_failure_is_a_dead_letter_immediately;
    create_notification: super::letters::Notification;
    process_stripe_webhook: super::webhooks::Stripe, permanent_failure_is_a_dead_letter_immediately;
    process_webhook: super::webhooks::Webhook, permanent_failure_is_a_dead_letter_immediately;
    export_data: super::files::Export;
    generate_report: super::files::ReportOfRuns;
    cleanup_old_data: super::housekeeping::Cleanup;
    check_job_health: super::housekeeping::HealthCheck;
}
