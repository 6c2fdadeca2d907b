//! How the deployment is doing: verdict, figures, what fails, what waits.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use maud::{Markup, html};
use serde::Deserialize;
use sigpost_store::health::{Health, Numbers, Report, TypeCounts, measure};
use tokio::time::timeout;

use super::Console;
use super::dead_letter::Letter;
use super::elements::{badge, duration, empty, number, state, table};
use super::failure::Failure;
use super::messages::filtered_by;
use super::page::{Page, Section};
use super::queues::Queue;
use crate::window::WindowQuery;

/// A database that takes longer is not one that jobs can be run on.
const PATIENCE: Duration = Duration::from_secs(10);
/// Windows to choose from.
const WINDOWS: [(&str, &str, u64); 4] =
    [("1h", "hour", 3_600), ("6h", "6 hours", 21_600), ("1d", "day", 86_400), ("7d", "week", 604_800)];
/// Dead letters that are read to tell the most frequent errors.
const NEWEST: &str = "100";
/// Errors that are shown.
const MOST_ERRORS: usize = 8;

#[derive(Deserialize)]
struct Letters {
    messages: Vec<Letter>,
}

/// `/console`, over `?window=`.
pub(crate) async fn show_overview(
    State(console): State<Console>,
    query: Result<Query<WindowQuery>, QueryRejection>,
) -> Result<Page, Failure> {
    let Query(query) = query.map_err(|_| Failure::bad_request("window: must be given once"))?;
    let window = query.window().map_err(|invalid| Failure::bad_request(invalid.to_string()))?;
    let numbers = timeout(PATIENCE, numbers(&console, window)).await.map_err(|_| Failure::DatabaseAway)??;
    let newest = [("count", NEWEST), ("bodies", "false")];
    let Letters { messages: letters } = console.api.get(&["dlq"], &newest).await?;
    let queues: Vec<Queue> = console.api.get(&["queues"], &[]).await?;
    let content = html! {
        (windows(window))
        div data-live id="overview" {
            (verdict(&numbers, window))
            (figures(&numbers))
            section { h2 { "Jobs by type" } (by_type(&numbers.by_type)) }
            section { h2 { "What the newest dead letters failed of" } (errors(&letters)) }
            section { h2 { "Queues" } (depth(&queues)) }
        }
    };
    Ok(Page::of(Section::Overview, content))
}

async fn numbers(console: &Console, window: Duration) -> Result<Numbers, Failure> {
    Ok(measure(&mut *console.database.connection().await?, window).await?)
}

fn windows(window: Duration) -> Markup {
    html! {
        nav.windows aria-label="Time that is looked at" {
            "The last "
            @for (text, name, seconds) in WINDOWS {
                a href={ "/console?window=" (text) } aria-current=[(window.as_secs() == seconds).then_some("true")] { (name) } " "
            }
        }
    }
}

fn verdict(numbers: &Numbers, window: Duration) -> Markup {
    let report = Report::new(numbers.clone(), window);
    let (class, sign, word) = match report.health() {
        Health::Healthy => ("good", "✓", "healthy"),
        Health::Degraded => ("retry", "!", "degraded"),
        Health::Unhealthy => ("bad", "✗", "unhealthy"),
    };
    html! {
        p.verdict { (badge(class, sign, word)) @for reason in report.reasons() { " " (reason) "." } }
        @if numbers.stuck.count > 0 {
            p { "Stuck: " @for id in &numbers.stuck.message_ids { a.id href=(super::messages::path(id)) { (id) } " " } }
        }
    }
}

fn figures(numbers: &Numbers) -> Markup {
    let completed: i64 = numbers.by_type.iter().map(|counts| counts.completed).sum();
    let failed: i64 = numbers.by_type.iter().map(|counts| counts.failed).sum();
    let seconds = |seconds: Option<f64>| seconds.map_or("–".to_owned(), |seconds| duration(seconds * 1000.0));
    let took = |which: fn(&sigpost_store::health::Durations) -> f64| {
        numbers.durations.as_ref().map_or("–".to_owned(), |durations| duration(which(durations)))
    };
    let figures = [
        ("Runs completed", number(completed), false),
        ("Runs failed", number(failed), failed > 0),
        ("Dead letters, new", number(numbers.dead_letters.in_window), numbers.dead_letters.in_window > 0),
        ("Dead letters, all", number(numbers.dead_letters.total), false),
        ("Due now", number(numbers.queue.due), false),
        ("Due for", seconds(numbers.queue.oldest_due_s), false),
        ("Under way", number(numbers.queue.active), false),
        ("Due later", number(numbers.queue.scheduled), false),
        ("Half of runs within", took(|durations| durations.p50_ms), false),
        ("95 of 100 within", took(|durations| durations.p95_ms), false),
        ("99 of 100 within", took(|durations| durations.p99_ms), false),
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

fn by_type(types: &[TypeCounts]) -> Markup {
    if types.is_empty() {
        return empty("No job has run in this time.", "");
    }
    let most = types.iter().map(|counts| counts.completed + counts.failed).max().unwrap_or(0).max(1);
    let rows = html! {
        @for counts in types {
            @let all = counts.completed + counts.failed;
            tr {
                td { (counts.job_type) }
                td.num { (number(counts.completed)) }
                td.num { @if counts.failed > 0 { span.error { (number(counts.failed)) } } @else { "0" } }
                td.num { (number(counts.processing)) }
                td.num { @if all > 0 { (counts.failed * 100 / all) " %" } @else { "–" } }
                td { (bar(counts.completed, counts.failed, most)) }
            }
        }
    };
    table("Jobs by type", &["Type", "Completed", "Failed", "Under way", "Failed of all", "Share"], &rows)
}

/// Completed and failed beside each other, against the type with the most.
fn bar(completed: i64, failed: i64, most: i64) -> Markup {
    let (good, bad) = (160 * completed / most, 160 * failed / most);
    html! {
        svg.bar viewBox="0 0 160 10" width="160" height="10" aria-hidden="true" {
            rect.series-0 x="0" y="0" width=(good) height="10" {}
            rect.series-1 x=(good) y="0" width=(bad) height="10" {}
        }
    }
}

fn errors(letters: &[Letter]) -> Markup {
    let mut counts: BTreeMap<(String, String), (usize, &str)> = BTreeMap::new();
    for letter in letters {
        counts.entry((letter.reason(), letter.status())).or_insert((0, &letter.dlq_id)).0 += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
    if counts.is_empty() {
        return empty("There is no dead letter.", "");
    }
    let rows = html! {
        @for ((reason, status), (count, id)) in counts.into_iter().take(MOST_ERRORS) {
            tr {
                td.num { (count) }
                td.num { (status) }
                td.wide { @if reason.is_empty() { "an empty answer" } @else { (reason) } }
                td { a href=(super::dead_letter::path(id)) { "The newest" } }
            }
        }
    };
    table("Errors", &["How often", "Status", "Answer", "Look"], &rows)
}

fn depth(queues: &[Queue]) -> Markup {
    if queues.is_empty() {
        return empty("There is no queue.", "");
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
    table("Queues", &["Queue", "Not finished", "State"], &rows)
}
