//! The tables in diesel's DSL; a test compares them with the database.
//!
//! Columns of enum types are declared as text: on the wire a Postgres enum is its label, so reading works unchanged,
//! and a filter casts the column.

diesel::table! {
    messages (id) {
        id -> Uuid,
        url -> Text,
        method -> Text,
        header -> Json,
        body -> Bytea,
        retries -> Integer,
        timeout_ms -> Nullable<BigInt>,
        retry_delay -> Nullable<Text>,
        callback -> Nullable<Json>,
        failure_callback -> Nullable<Json>,
        labels -> Nullable<Array<Text>>,
        caller_ip -> Nullable<Text>,
        callback_of -> Nullable<Uuid>,
        not_before -> Timestamptz,
        created_at -> Timestamptz,
        priority -> Integer,
        gates -> Nullable<Array<Text>>,
        queue_name -> Nullable<Text>,
        flow_control -> Nullable<Json>,
        topic_name -> Nullable<Text>,
        endpoint_name -> Nullable<Text>,
        schedule_id -> Nullable<Text>,
        redact -> Nullable<Text>,
    }
}

diesel::table! {
    pending_deliveries (id) {
        id -> Uuid,
        due_at -> Timestamptz,
        created_at -> Timestamptz,
        lease_token -> Nullable<Uuid>,
        lease_until -> Nullable<Timestamptz>,
        leased_at -> Nullable<Timestamptz>,
        deliveries -> Integer,
        retried -> Integer,
        priority -> Integer,
        body_bytes -> Integer,
        limits -> Nullable<Array<Text>>,
        blocked_by -> Nullable<Text>,
        destination -> BigInt,
    }
}

diesel::table! {
    attempts (message_id, ended_at) {
        message_id -> Uuid,
        number -> Integer,
        retried -> Integer,
        outcome -> Text,
        started_at -> Nullable<Timestamptz>,
        ended_at -> Timestamptz,
        response_status -> Nullable<Integer>,
        response_header -> Nullable<Json>,
        response_body -> Nullable<Bytea>,
        error -> Nullable<Text>,
        retry_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    deduplications (key) {
        key -> Text,
        message_id -> Uuid,
        expires_at -> Timestamptz,
        release_on_failure -> Bool,
    }
}

diesel::table! {
    past_events (at, id) {
        at -> Timestamptz,
        id -> BigInt,
        message_id -> Uuid,
        state -> Text,
        response_status -> Nullable<Integer>,
        response_header -> Nullable<Json>,
        response_body -> Nullable<Bytea>,
        error -> Nullable<Text>,
        next_delivery_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    dead_letters (id) {
        id -> BigInt,
        message_id -> Uuid,
        failed_at -> Timestamptz,
        response_status -> Integer,
        response_header -> Nullable<Json>,
        response_body -> Nullable<Bytea>,
        error -> Nullable<Text>,
    }
}

diesel::table! {
    signing_keys (only_row) {
        only_row -> Bool,
        current -> Text,
        next -> Text,
        rotated_at -> Timestamptz,
    }
}

diesel::table! {
    job_executions (id) {
        id -> Uuid,
        message_id -> Text,
        job_type -> Text,
        attempt -> Integer,
        status -> Text,
        payload -> Nullable<Jsonb>,
        result -> Nullable<Jsonb>,
        error -> Nullable<Text>,
        user_id -> Nullable<Text>,
        organization_id -> Nullable<Text>,
        lease_until -> Nullable<Timestamptz>,
        started_at -> Timestamptz,
        completed_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        correlation_id -> Nullable<Text>,
        progress -> Nullable<Jsonb>,
        original_message_id -> Nullable<Text>,
    }
}

diesel::table! {
    effects (message_id, name) {
        message_id -> Text,
        name -> Text,
        message -> Nullable<Uuid>,
        run_id -> Uuid,
        result -> Jsonb,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    locks (name) {
        name -> Text,
        fence -> BigInt,
        holder -> Nullable<Uuid>,
        lease_until -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    gates (id) {
        id -> Text,
        kind -> Text,
        name -> Text,
        parallelism -> Nullable<Integer>,
        rate -> Nullable<Integer>,
        period_s -> Integer,
        paused -> Bool,
        pinned_parallelism -> Bool,
        pinned_rate -> Bool,
        period_start -> Nullable<Timestamptz>,
        period_count -> Integer,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    slots (gate, message_id) {
        gate -> Text,
        message_id -> Uuid,
        family -> Uuid,
    }
}

diesel::table! {
    api_tokens (id) {
        id -> BigInt,
        name -> Text,
        hash -> Bytea,
        scope -> Text,
        rate_limit -> Nullable<Integer>,
        created_at -> Timestamptz,
        revoked_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    dispatchers (id) {
        id -> Uuid,
        alive_until -> Timestamptz,
        room -> Integer,
    }
}

diesel::table! {
    url_groups (name) {
        name -> Text,
        endpoints -> Json,
        headers -> Json,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    schedules (id) {
        id -> Text,
        version -> BigInt,
        cron -> Text,
        destination -> Text,
        parameters -> Json,
        body -> Bytea,
        catch_up -> Text,
        caller_ip -> Nullable<Text>,
        paused -> Bool,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        next_fire_at -> Nullable<Timestamptz>,
        last_fire_at -> Nullable<Timestamptz>,
        last_message_ids -> Array<Uuid>,
        error -> Nullable<Text>,
        fires_from -> Timestamptz,
        mirrored_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    notifications (id) {
        id -> Uuid,
        message_id -> Text,
        user_id -> Text,
        kind -> Text,
        category -> Text,
        priority -> Text,
        title -> Text,
        message -> Text,
        metadata -> Nullable<Jsonb>,
        expires_at -> Nullable<Timestamptz>,
        read_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    stripe_customers (id) {
        id -> Text,
        organization_id -> Text,
        owner_id -> Text,
        owner_email -> Text,
        owner_name -> Nullable<Text>,
        subscription_id -> Nullable<Text>,
        product_id -> Nullable<Text>,
        plan_name -> Nullable<Text>,
        subscription_status -> Nullable<Text>,
        subscription_event_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    stripe_subscriptions (id) {
        id -> Text,
        customer_id -> Text,
        status -> Text,
        deleted -> Bool,
        event_id -> Text,
        event_at -> Timestamptz,
    }
}

diesel::table! {
    stripe_events (id) {
        id -> Text,
        kind -> Text,
        at -> Timestamptz,
        message_id -> Text,
        processed_at -> Timestamptz,
    }
}

diesel::table! {
    activity_logs (id) {
        id -> Uuid,
        organization_id -> Text,
        user_id -> Text,
        action -> Text,
        ip_address -> Nullable<Text>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    email_logs (id) {
        id -> Uuid,
        email_id -> Text,
        recipient -> Text,
        template_type -> Nullable<Text>,
        subject -> Nullable<Text>,
        status -> Text,
        provider -> Text,
        metadata -> Nullable<Jsonb>,
        sent_at -> Timestamptz,
        delivered_at -> Nullable<Timestamptz>,
        failed_at -> Nullable<Timestamptz>,
        error_message -> Nullable<Text>,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    run_rollups (step_s, at, job_type, status, bucket) {
        step_s -> Integer,
        at -> Timestamptz,
        job_type -> Text,
        status -> Text,
        bucket -> Integer,
        runs -> BigInt,
        total_ms -> Double,
    }
}

diesel::table! {
    message_rollups (step_s, at, state) {
        step_s -> Integer,
        at -> Timestamptz,
        state -> Text,
        messages -> BigInt,
    }
}

diesel::table! {
    rollup_progress (only_row) {
        only_row -> Bool,
        until -> Timestamptz,
    }
}

diesel::table! {
    alerts (rule, subject) {
        rule -> Text,
        subject -> Text,
        severity -> Text,
        value -> Double,
        message -> Text,
        opened_at -> Timestamptz,
        resolved_at -> Nullable<Timestamptz>,
        announced -> Bool,
        notified_at -> Nullable<Timestamptz>,
        notified_severity -> Nullable<Text>,
    }
}

diesel::table! {
    queue_samples (at) {
        at -> Timestamptz,
        due -> BigInt,
        scheduled -> BigInt,
        active -> BigInt,
        waiting -> BigInt,
        oldest_due_s -> Nullable<Double>,
        dead_letters -> BigInt,
    }
}

diesel::table! {
    processes (id) {
        id -> Uuid,
        name -> Text,
        seen_at -> Timestamptz,
        memory_bytes -> Nullable<BigInt>,
        memory_limit_bytes -> Nullable<BigInt>,
        deaf_since -> Nullable<Timestamptz>,
    }
}

// Views.

diesel::table! {
    message_states (id) {
        id -> Uuid,
        url -> Text,
        method -> Text,
        header -> Json,
        body -> Bytea,
        retries -> Integer,
        timeout_ms -> Nullable<BigInt>,
        retry_delay -> Nullable<Text>,
        callback -> Nullable<Json>,
        failure_callback -> Nullable<Json>,
        labels -> Nullable<Array<Text>>,
        caller_ip -> Nullable<Text>,
        callback_of -> Nullable<Uuid>,
        not_before -> Timestamptz,
        created_at -> Timestamptz,
        priority -> Integer,
        gates -> Nullable<Array<Text>>,
        queue_name -> Nullable<Text>,
        flow_control -> Nullable<Json>,
        topic_name -> Nullable<Text>,
        endpoint_name -> Nullable<Text>,
        schedule_id -> Nullable<Text>,
        redact -> Nullable<Text>,
        state -> Text,
        due_at -> Nullable<Timestamptz>,
        blocked_by -> Nullable<Text>,
        lease_token -> Nullable<Uuid>,
        lease_until -> Nullable<Timestamptz>,
        deliveries -> Integer,
        retried -> Integer,
        finished_at -> Nullable<Timestamptz>,
    }
}

diesel::joinable!(dead_letters -> message_states (message_id));
diesel::allow_tables_to_appear_in_same_query!(message_states, dead_letters);
