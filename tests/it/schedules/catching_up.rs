//! Missed firings, and times around clock changes.

use dispatch::dispatcher::StepKind;

use super::YEARLY;
use super::firing::published;
use crate::support::TestApp;

/// Returns the times for which a schedule has fired, in UTC as Postgres writes them.
async fn fired_for(app: &TestApp, schedule: &str, from: &str) -> Vec<String> {
    let sql = "select to_char(at at time zone 'UTC', 'YYYY-MM-DD HH24:MI')
               from (select to_timestamp(split_part(key, ':', 3)::bigint / 1000.0) as at from deduplications
                     where key like 'schedule:' || $1 || ':%') fired
               where at >= $2::text::timestamptz order by at";
    app.database.query(sql, &[&schedule, &from]).await.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn missed_firings_follow_the_catch_up_option() {
    let app = TestApp::start().await;
    let every_second_month = |catch_up| [("Upstash-Cron", "0 0 1 */2 *"), ("Upstash-Sigpost-Catch-Up", catch_up)];
    for catch_up in ["none", "last", "all"] {
        app.schedule_here(catch_up, &every_second_month(catch_up), catch_up).await;
    }
    app.schedule_here("default", &[("Upstash-Cron", "0 0 1 */2 *")], "").await;
    // Six firings a year; more are missed than fit into one transaction.
    app.database.execute("update schedules set next_fire_at = '2022-01-01 00:00Z'; notify sigpost, 'schedules'").await;
    let missed = app
        .database
        .count("select count(*) from generate_series('2022-01-01'::timestamp, now() at time zone 'UTC', '2 months')")
        .await as usize;
    assert!(missed > 16, "{missed}");
    app.wait_for_accepted(missed + 2).await;

    let expected = "select to_char(at, 'YYYY-MM-DD HH24:MI')
                    from generate_series('2022-01-01'::timestamp, now() at time zone 'UTC', '2 months') at";
    let expected: Vec<String> = app.database.query(expected, &[]).await.iter().map(|row| row.get(0)).collect();
    assert_eq!(fired_for(&app, "all", "1970-01-01").await, expected);
    for once in ["last", "default"] {
        assert_eq!(fired_for(&app, once, "1970-01-01").await, expected[missed - 1..]);
    }
    assert_eq!(fired_for(&app, "none", "1970-01-01").await, Vec::<String>::new());
    let sql =
        "select count(*) from schedules where next_fire_at > now() and next_fire_at < now() + interval '2 months'";
    assert_eq!(app.database.count(sql).await, 4);
}

#[tokio::test]
async fn firing_in_time_needs_no_catch_up() {
    let app = TestApp::start().await;
    app.schedule_here("s", &[YEARLY, ("Upstash-Sigpost-Catch-Up", "none")], "").await;
    app.make_due("s", "now() - interval '30 s'").await;
    let id = published(&app, "s", 1).await[0];
    app.wait_for(id, StepKind::Delivered).await;
}

#[tokio::test]
async fn firings_during_a_pause_are_not_caught_up() {
    let app = TestApp::start_with(|config| config.dispatcher = None).await;
    app.schedule_here("s", &[YEARLY, ("Upstash-Sigpost-Catch-Up", "all")], "").await;
    // Firings of several years are due, and no dispatcher ran before the pause.
    app.database.execute("update schedules set next_fire_at = '2020-01-01 01:01Z'").await;
    app.post("/v2/schedules/s/pause").await;
    app.post("/v2/schedules/s/resume").await;

    app.schedule_here("after", &[YEARLY], "after").await;
    app.make_due("after", "now()").await;
    let _dispatcher = TestApp::start_on(&app.database, |_| {}).await;
    assert_eq!(app.receiver.next().await.body, "after");
    assert_eq!(app.database.count("select count(*) from messages where schedule_id = 's'").await, 0);
    assert_eq!(app.database.count("select count(*) from schedules where next_fire_at > now()").await, 2);
}

#[tokio::test]
async fn local_time_fires_once_a_day_across_clock_changes() {
    let app = TestApp::start().await;
    // In Berlin, 02:30 did not exist on 2025-03-30 and occurred twice on 2025-10-26.
    let headers = [("Upstash-Cron", "CRON_TZ=Europe/Berlin 30 2 28-31 3 *"), ("Upstash-Sigpost-Catch-Up", "all")];
    app.schedule_here("spring", &headers, "").await;
    let headers = [("Upstash-Cron", "CRON_TZ=Europe/Berlin 30 2 25-27 10 *"), ("Upstash-Sigpost-Catch-Up", "all")];
    app.schedule_here("autumn", &headers, "").await;
    app.database
        .execute(
            "update schedules set next_fire_at = case id when 'spring' then '2025-03-28 01:30Z' else '2025-10-25 00:30Z' end
                 ::timestamptz; notify sigpost, 'schedules'",
        )
        .await;
    let caught_up = "select count(*) from schedules where next_fire_at > now()";
    while app.database.count(caught_up).await < 2 {
        app.receiver.next().await;
    }
    let spring = fired_for(&app, "spring", "2025-01-01").await;
    assert_eq!(spring[..4], ["2025-03-28 01:30", "2025-03-29 01:30", "2025-03-30 01:00", "2025-03-31 00:30"]);
    let autumn = fired_for(&app, "autumn", "2025-01-01").await;
    assert_eq!(autumn[..3], ["2025-10-25 00:30", "2025-10-26 00:30", "2025-10-27 01:30"]);
}
