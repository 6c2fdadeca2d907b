//! Overview page: health, figures, charts, job types, dead letters and queues.

use axum::extract::State;
use jiff::Timestamp;
use maud::{Markup, html};
use sigpost_health::{Readings, Rules, verdict};
use sigpost_qstash::admin::{DeadLetterGroup, Health};
use sigpost_store::metrics::{Durations, MessageCounts, TypeMetrics, Window, catch_up};
use sigpost_store::operation::dead_letter_groups;
use tokio::time::timeout;
use url::form_urlencoded;

use super::Console;
use super::elements::{badge, duration, empty, number, state, table, time};
use super::failure::Failure;
use super::messages::filtered_by;
use super::page::{Page, Section};
use super::queues::Queue;
use super::trends::{self, Trends};
use crate::answer::PATIENCE;
use crate::connection::connection;
use crate::window::{HOUR, WindowQuery};

/// Selectable windows: parameter, label and seconds.
const WINDOWS: [(&str, &str, u64); 4] =
    [("1h", "hour", 3_600), ("3h", "3 hours", 10_800), ("1d", "day", 86_400), ("7d", "week", 604_800)];
/// Maximum number of dead letter groups on the page.
const MOST_ERRORS: usize = 8;

/// Data of the page, read from the database.
struct Measured {
    readings: Readings,
    trends: Trends,
    errors: Vec<DeadLetterGroup>,
}

/// Serves `/console?window=…`.
pub(crate) async fn show_overview(State(console): State<Console>, query: WindowQuery) -> Result<Page, Failure> {
    let window = query.window(HOUR).map_err(|invalid| Failure::bad_request(invalid.to_string()))?;
    let measured = timeout(PATIENCE, measured(&console, window)).await.map_err(|_| Failure::DatabaseAway)??;
    let Measured { readings, trends, errors } = measured;
    let queues: Vec<Queue> = console.api.get(&["queues"], &[]).await?;
    let content = html! {
        (windows(window))
        div data-live id="overview" {
            (show_verdict(&readings, &console.rules))
            (figures(&readings))
            (trends.draw())
            section { h2 { "Jobs by type" } (by_type(&readings.numbers.by_type)) }
            section { h2 { "Dead letters by error" } (show_errors(&errors)) }
            section { h2 { "Queues" } (depth(&queues)) }
        }
    };
    Ok(Page::of(Section::Overview, content))
}

async fn measured(console: &Console, window: Window) -> Result<Measured, Failure> {
    let mut conn = connection(&console.database).await?;
    catch_up(&mut conn).await?;
    let trends = trends::read(&mut conn, window).await?;
    let readings = Readings::measure_with(&mut conn, window, MessageCounts::sum(&trends.messages)).await?;
    Ok(Measured { readings, trends, errors: dead_letter_groups(&mut conn).await? })
}

fn windows(window: Window) -> Markup {
    html! {
        nav.windows aria-label="Time window" {
            "Last "
            @for (text, name, seconds) in WINDOWS {
                a href={ "/console?window=" (text) } aria-current=[(window.length().as_secs() == seconds).then_some("true")] { (name) } " "
            }
        }
    }
}

fn show_verdict(readings: &Readings, rules: &Rules) -> Markup {
    let verdict = verdict(readings, rules);
    let (class, sign) = match verdict.level {
        Health::Healthy => ("good", "✓"),
        Health::Degraded => ("retry", "!"),
        Health::Unhealthy => ("bad", "✗"),
    };
    let stuck = &readings.numbers.stuck;
    html! {
        p.verdict {
            (badge(class, sign, verdict.level.as_str())) @for reason in &verdict.reasons { " " (reason.text()) "." }
        }
        @if stuck.count > 0 {
            p { "Stuck: " @for id in &stuck.message_ids { a.id href=(super::messages::path(id)) { (id) } " " } }
        }
    }
}

/// Without runs the first figures count messages, as job-health does.
fn figures(readings: &Readings) -> Markup {
    let numbers = &readings.numbers;
    let ended = readings.ended();
    let names =
        if ended.are_runs { ["Runs completed", "Runs failed"] } else { ["Messages delivered", "Messages failed"] };
    let seconds = |seconds: Option<f64>| seconds.map_or("–".to_owned(), |seconds| duration(seconds * 1000.0));
    let took = |which: fn(&Durations) -> f64| {
        numbers.durations.as_ref().map_or("–".to_owned(), |durations| duration(which(durations)))
    };
    let figures = [
        (names[0], number(ended.completed), false),
        (names[1], number(ended.failed), ended.failed > 0),
        ("New dead letters", number(numbers.dead_letters.in_window), numbers.dead_letters.in_window > 0),
        ("Dead letters", number(numbers.dead_letters.total), false),
        ("Due", number(numbers.queue.due), false),
        ("Oldest due age", seconds(numbers.queue.oldest_due_s), false),
        ("In flight", number(numbers.queue.active), false),
        ("Scheduled", number(numbers.queue.scheduled), false),
        ("p50 duration", took(|durations| durations.p50_ms), false),
        ("p95 duration", took(|durations| durations.p95_ms), false),
        ("p99 duration", took(|durations| durations.p99_ms), false),
        ("Stuck runs", number(numbers.stuck.count), numbers.stuck.count > 0),
    ];
    html! {
        div.figures {
            @for (name, value, is_bad) in figures {
                div.figure.bad[is_bad] { span.name { (name) } span.value { (value) } }
            }
        }
    }
}

/// The types with the most failures come first.
fn by_type(types: &[TypeMetrics]) -> Markup {
    if types.is_empty() {
        return empty("No runs in this time window.", "");
    }
    let most = types.iter().map(|one| one.completed + one.failed).max().unwrap_or(0).max(1);
    let mut types: Vec<_> = types.iter().collect();
    types.sort_by_key(|one| std::cmp::Reverse((one.failed, one.completed)));
    let rows = html! {
        @for one in types {
            @let took = one.durations.durations();
            tr {
                td { (one.job_type) }
                td.num { (number(one.completed)) }
                td.num { @if one.failed > 0 { span.error { (number(one.failed)) } } @else { "0" } }
                td.num { @if one.completed + one.failed > 0 { (format!("{:.1} %", one.failure_rate() * 100.0)) } @else { "–" } }
                td.num { (number(one.processing)) }
                td.num { @if let Some(took) = &took { (duration(took.p50_ms)) } @else { "–" } }
                td.num { @if let Some(took) = &took { (duration(took.p95_ms)) } @else { "–" } }
                td { (bar(one.completed, one.failed, most)) }
            }
        }
    };
    let columns = ["Type", "Completed", "Failed", "Failure rate", "Processing", "p50 duration", "p95 duration", "Runs"];
    table("Jobs by type", &columns, &rows)
}

/// Draws completed and failed runs, scaled to the type with the most runs.
fn bar(completed: i64, failed: i64, most: i64) -> Markup {
    let (good, bad) = (160 * completed / most, 160 * failed / most);
    html! {
        svg.bar viewBox="0 0 160 10" width="160" height="10" aria-hidden="true" {
            rect.series-0 x="0" y="0" width=(good) height="10" {}
            rect.series-1 x=(good) y="0" width=(bad) height="10" {}
        }
    }
}

fn show_errors(groups: &[DeadLetterGroup]) -> Markup {
    if groups.is_empty() {
        return empty("No dead letters.", "");
    }
    let now = Timestamp::now();
    let rows = html! {
        @for group in groups.iter().take(MOST_ERRORS) {
            @let status = group.response_status.to_string();
            @let query = form_urlencoded::Serializer::new(String::new()).append_pair("status", &status).finish();
            tr {
                td.num { (number(group.count)) }
                td.wide { (group.destination) }
                td.num { a href={ "/console/dead-letters?" (query) } { @if status == "0" { "none" } @else { (status) } } }
                td.wide { (group.error.as_deref().unwrap_or("–")) }
                td.num { (time(group.last_at_ms, now)) }
            }
        }
    };
    table("Dead letters by error", &["Count", "Destination", "Status", "Latest error", "Last failed"], &rows)
}

fn depth(queues: &[Queue]) -> Markup {
    if queues.is_empty() {
        return empty("No queues.", "");
    }
    let rows = html! {
        @for queue in queues {
            tr {
                td { (filtered_by("queue", &queue.name)) }
                td.num { (number(queue.lag)) }
                td { (state(if queue.paused { "paused" } else { "running" })) }
            }
        }
    };
    table("Queues", &["Queue", "Lag", "State"], &rows)
}
