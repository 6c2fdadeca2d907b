use super::Deployment;

#[tokio::test]
async fn a_migration_that_is_missing_is_named() {
    let deployment = Deployment::new("doctor_migrations").await;
    deployment.says("migrations", "passed", &[]);
    deployment
        .execute("delete from __diesel_schema_migrations where version = (select max(version) from __diesel_schema_migrations)")
        .await;
    deployment.says("migrations", "failed", &["missing: 2026-", "sigpost migrate"]);
}

#[tokio::test]
async fn whatever_was_changed_by_hand_is_named_and_what_was_added_is_not() {
    let deployment = Deployment::new("doctor_schema").await;
    deployment
        .execute(
            "create table of_ones_own (id int); alter table messages add column note text; \
             create index of_ones_own_too on messages (created_at)",
        )
        .await;
    deployment.says("schema", "passed", &[]);
    deployment
        .execute(
            "alter table pending_deliveries alter column priority type bigint;
             alter table pending_deliveries alter column priority set default 1;
             alter table dead_letters alter column response_status drop not null;
             alter table pending_deliveries drop constraint pending_deliveries_lease_ends;
             alter table gates disable trigger limits_in_use;
             create or replace function count_starts(gate_id text, starts integer) returns void language sql as '';
             drop table effects",
        )
        .await;
    deployment.says(
        "schema",
        "failed",
        &[
            r#"column pending_deliveries.priority is \"bigint not null default 1\" and should be \"integer not null default 0\""#,
            "column dead_letters.response_status is",
            "constraint pending_deliveries.pending_deliveries_lease_ends is missing",
            "column effects.created_at is missing",
            "more",
        ],
    );
}

#[tokio::test]
async fn triggers_and_functions_count_too() {
    let deployment = Deployment::new("doctor_functions").await;
    deployment
        .execute(
            "alter table gates disable trigger limits_in_use;
             create or replace function count_starts(gate_id text, starts integer) returns void language sql as '';
             alter type gate_kind add value 'other'",
        )
        .await;
    let texts = ["trigger limits_in_use is disabled", "function count_starts", "type gate_kind", "3 differ"];
    deployment.says("schema", "failed", &texts);
}

#[tokio::test]
async fn indexes_that_are_gone_changed_or_not_valid_are_named() {
    let deployment = Deployment::new("doctor_indexes").await;
    deployment.says("indexes", "passed", &[]);
    deployment
        .execute(
            "drop index pending_deliveries_due;
             drop index schedules_due; create index schedules_due on schedules (next_fire_at, id);
             update pg_index set indisvalid = false where indexrelid = 'messages_labels'::regclass",
        )
        .await;
    let texts =
        ["pending_deliveries_due is missing", "schedules_due is", "index messages_labels is not valid", "reindex"];
    deployment.says("indexes", "failed", &texts);
}

#[tokio::test]
async fn tables_that_are_vacuumed_too_seldom_are_named() {
    let deployment = Deployment::new("doctor_autovacuum").await;
    deployment.says("autovacuum", "passed", &[]);
    deployment.execute("alter table pending_deliveries set (autovacuum_vacuum_scale_factor = 0.5)").await;
    deployment.says("autovacuum", "warned", &["options pending_deliveries is", "autovacuum_vacuum_scale_factor=0.5"]);
}

#[tokio::test]
async fn rows_that_no_vacuum_removes_are_counted() {
    let deployment = Deployment::new("doctor_dead_rows").await;
    deployment.says("dead-rows", "passed", &[]);
    deployment
        .execute(
            "alter table deduplications set (autovacuum_enabled = false);
             insert into deduplications (key, message_id, expires_at)
             select n::text, gen_random_uuid(), now() from generate_series(1, 51000) n;
             delete from deduplications;
             select pg_stat_force_next_flush()",
        )
        .await;
    deployment.says("dead-rows", "warned", &["deduplications: 51000 dead rows"]);
}
