//! The hazards of a run, for every type of job: against a Postgres and, where it talks to others, a
//! provider over HTTP. Each test has a deployment of its own.

mod files;
mod housekeeping;
mod letters;
mod middle;
mod provider;
mod subject;
mod trial;
mod webhooks;

use dispatch::engine::StepKind;
use serde_json::json;
use sigpost_qstash::MessageId;

use self::subject::{Effects, Hopeless, Subject};
use self::trial::{Trial, with_a_zero_byte};
use super::deployment::answer;

async fn a_job_is_done<S: Subject>() {
    let trial = Trial::<S>::start().await;
    let id = trial.publish(&trial.subject.payload()).await;
    trial.deployment.app.wait_for(id, StepKind::Delivered).await;
    assert_eq!(trial.deployment.story(id).await, ["1 completed"]);
    assert_eq!(trial.effects().await, S::ONCE);
}

async fn a_retry_after_a_500_repeats_nothing<S: Subject>() {
    let trial = Trial::<S>::start().await;
    // The work is done when its record fails.
    trial.let_no_run_complete().await;
    let id = trial.publish(&trial.subject.payload()).await;
    trial.deployment.app.wait_for(id, StepKind::Retried).await;
    assert_eq!(trial.deployment.app.event(id, "ERROR").await["responseStatus"], 500);
    assert_eq!(trial.effects().await, Effects { written: 0, ..S::ONCE });

    trial.let_runs_complete().await;
    trial.deployment.app.let_time_pass().await;
    trial.deployment.app.wait_for(id, StepKind::Delivered).await;
    assert_eq!(trial.effects().await, S::ONCE);
    assert_eq!(trial.deployment.runs(id).await.len(), 2);
}

async fn a_job_that_can_never_be_done_is_a_dead_letter_at_once<S: Hopeless>() {
    let trial = Trial::<S>::start().await;
    let (payload, error) = trial.subject.hopeless(&trial.deployment.app.database).await;
    let id = trial.publish(&payload).await;
    trial.deployment.app.wait_for(id, StepKind::Failed).await;
    assert_eq!(trial.deployment.last_words(id).await, error);
    assert_eq!(trial.deployment.app.states(id).await, "CREATED ACTIVE ERROR FAILED");
    assert_eq!(trial.effects().await.written, 0);
}

async fn a_malformed_job_is_a_dead_letter_that_names_the_field<S: Subject>() {
    let trial = Trial::<S>::start().await;
    let (payload, error) = trial.subject.malformed();
    let id = trial.publish(&payload).await;
    trial.deployment.app.wait_for(id, StepKind::Failed).await;
    let said = trial.deployment.last_words(id).await;
    assert!(said.starts_with(error), "{said}");
    assert_eq!((trial.deployment.run_count().await, trial.effects().await), (0, Effects::default()));
}

/// No column of Postgres holds one.
async fn a_zero_byte_in_any_text_costs_no_retry<S: Subject>() {
    let trial = Trial::<S>::start().await;
    for payload in with_a_zero_byte(&trial.subject.payload()) {
        let body = payload.to_string();
        assert!(body.contains("\\u0000"), "{body}");
        let answered = answer(trial.deployment.delivery_of::<S::Job>(MessageId::new(), &body)).await;
        assert!([200, 489].contains(&answered.status.as_u16()), "{body}: {answered:?}");
    }
}

async fn an_oversized_job_is_refused_unread<S: Subject>() {
    let trial = Trial::<S>::start().await;
    let mut payload = trial.subject.payload();
    payload["rest"] = "x".repeat(trial::MAX_BODY_BYTES).into();
    let id = trial.deployment.publish::<S::Job>(&[("Upstash-Retries", "0")], &payload).await;
    trial.deployment.app.wait_for(id, StepKind::Failed).await;
    assert_eq!(trial.deployment.dead_letter().await["responseStatus"], 413);
    assert_eq!((trial.deployment.run_count().await, trial.effects().await), (0, Effects::default()));
}

async fn a_cancel_in_the_middle_ends_the_run_and_nothing_is_written<S: Subject>() {
    let trial = Trial::<S>::start().await;
    let held = trial.hold().await;
    let id = held.id;
    assert_eq!(trial.deployment.app.delete(&format!("/v2/messages/{id}")).await.body, json!({ "cancelled": 1 }));
    let answered = trial.let_time_pass_until_answered(id, held.answer).await;
    assert_eq!(answered.refusal(), (489, "the message was cancelled"));
    trial.let_go(held.held).await;

    assert_eq!(trial.deployment.story(id).await, ["1 failed: the message was cancelled"]);
    assert_eq!(trial.deployment.app.message(id).await["state"], "CANCELED");
    assert_eq!(trial.effects().await.written, 0);
}

async fn a_run_that_loses_its_lease_in_the_middle_writes_nothing<S: Subject>() {
    let trial = Trial::<S>::start().await;
    let held = trial.hold().await;
    let id = held.id;
    // As when its process was held up for longer than the lease, and another delivery has closed it.
    let close =
        "update job_executions set status = 'failed', error = 'closed', completed_at = now(), lease_until = null";
    trial.deployment.app.database.execute(close).await;
    trial.let_go(held.held).await;
    let late = held.answer.await.expect("joined");
    assert_eq!(late.refusal(), (409, "the run lost its lease, another one may have started"));
    assert_eq!(trial.effects().await.written, 0);

    trial.deployment.app.let_time_pass().await;
    trial.deployment.app.wait_for(id, StepKind::Delivered).await;
    assert_eq!(trial.deployment.story(id).await, ["1 failed: closed", "1 completed"]);
    assert_eq!(trial.effects().await, S::ONCE);
}

async fn a_run_whose_middle_never_ends_is_stopped_and_comes_again<S: Subject>() {
    let trial = Trial::<S>::start().await;
    let held = trial.hold().await;
    let id = held.id;
    let answered = trial.let_time_pass_until_answered(id, held.answer).await;
    assert_eq!(answered.refusal(), (500, S::OVERDUE));
    trial.let_go(held.held).await;
    assert_eq!(trial.deployment.story(id).await, [format!("1 failed: {}", S::OVERDUE)]);
    assert_eq!(trial.effects().await.written, 0);

    trial.deployment.app.let_time_pass().await;
    trial.deployment.app.wait_for(id, StepKind::Delivered).await;
    assert_eq!(trial.effects().await, S::ONCE);
}

/// Every hazard as a test of each type, and those that are named with it.
macro_rules! trials {
    ($($name:ident: $subject:ty $(, $more:ident)*;)+) => {$(
        mod $name {
            trials!(@tests $subject,
                a_job_is_done,
                a_retry_after_a_500_repeats_nothing,
                a_malformed_job_is_a_dead_letter_that_names_the_field,
                a_zero_byte_in_any_text_costs_no_retry,
                an_oversized_job_is_refused_unread,
                a_cancel_in_the_middle_ends_the_run_and_nothing_is_written,
                a_run_that_loses_its_lease_in_the_middle_writes_nothing,
                a_run_whose_middle_never_ends_is_stopped_and_comes_again,
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

// Of the others nothing that is well formed fails for good.
trials! {
    send_email: super::letters::Email, a_job_that_can_never_be_done_is_a_dead_letter_at_once;
    create_notification: super::letters::Notification;
    process_stripe_webhook: super::webhooks::Stripe, a_job_that_can_never_be_done_is_a_dead_letter_at_once;
    process_webhook: super::webhooks::Webhook, a_job_that_can_never_be_done_is_a_dead_letter_at_once;
    export_data: super::files::Export;
    generate_report: super::files::ReportOfRuns;
    cleanup_old_data: super::housekeeping::Cleanup;
    check_job_health: super::housekeeping::HealthCheck;
}
