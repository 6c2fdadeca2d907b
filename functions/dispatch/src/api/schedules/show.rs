//! Schedules in QStash's format.

use std::time::Duration;

use jiff::Timestamp;
use sigpost_qstash as wire;
use sigpost_qstash::{Body, Limits, Options, ScheduleState, Start, without_user_info};
use sigpost_store::messages::MessageState;
use sigpost_store::schedules::StoredSchedule;

use crate::api::messages::milliseconds;
use crate::api::shown::callback_parts;
use crate::publication::DEFAULT_RETRIES;

/// Converts a schedule. Its parameters are parsed without limits, which may be lower now than at its creation.
pub(super) fn on_the_wire(stored: StoredSchedule) -> wire::Schedule {
    let schedule = stored.schedule;
    // Parameters that only an older release accepted are shown as unset; the firing reports the error.
    let options = Options::parse(&schedule.parameters, &Limits::none(), Timestamp::UNIX_EPOCH).unwrap_or_default();
    let (callback, callback_header) = callback_parts(options.callback, &options.redact);
    let (failure_callback, failure_callback_header) = callback_parts(options.failure_callback, &options.redact);
    wire::Schedule {
        schedule_id: schedule.id,
        cron: schedule.cron,
        destination: without_user_info(schedule.destination).0,
        method: options.method,
        created_at: stored.created_at_ms,
        retries: options.retries.unwrap_or(DEFAULT_RETRIES),
        is_paused: stored.paused,
        header: options.redact.header(&options.headers),
        body: Body(options.redact.body(schedule.body)),
        delay: delay(options.start),
        timeout: options.timeout.map(milliseconds),
        callback,
        callback_header,
        failure_callback,
        failure_callback_header,
        caller_ip: schedule.caller_ip,
        queue_name: options.queue_name,
        flow_control: options.flow_control,
        priority: options.priority,
        retry_delay_expression: options.retry_delay.map(|expression| expression.to_string()),
        labels: options.labels,
        last_schedule_time: stored.last_fire_at.map(Timestamp::as_millisecond),
        next_schedule_time: stored.next_fire_at.map(Timestamp::as_millisecond),
        last_schedule_states: stored.last_states.into_iter().map(|(id, state)| (id, shown(state))).collect(),
        error: stored.error,
        catch_up: schedule.catch_up,
    }
}

fn delay(start: Start) -> Option<Duration> {
    match start {
        Start::After(delay) => Some(delay),
        Start::Now | Start::At(_) => None,
    }
}

fn shown(state: MessageState) -> ScheduleState {
    match state {
        MessageState::Pending | MessageState::Active => ScheduleState::InProgress,
        MessageState::Delivered => ScheduleState::Success,
        MessageState::Failed | MessageState::Cancelled => ScheduleState::Fail,
    }
}
