//! Options that only schedules have.

use reqwest::{Method, StatusCode};

use super::stored::{everything, start_with_one_of_each};
use crate::support::answered;

#[tokio::test]
async fn invalid_schedule_is_rejected_by_name_and_changes_nothing() {
    let app = start_with_one_of_each().await;
    let long = "x".repeat(257);
    let fine = ("Upstash-Cron", "1 1 1 1 *");
    let cases = [
        ("Upstash-Cron", ""),
        ("Upstash-Cron", "* * * *"),
        ("Upstash-Cron", "* * * * * *"),
        ("Upstash-Cron", "60 * * * *"),
        ("Upstash-Cron", "*/0 * * * *"),
        ("Upstash-Cron", "5-1 * * * *"),
        ("Upstash-Cron", "*/90 * * * *"),
        ("Upstash-Cron", "1,,2 * * * *"),
        ("Upstash-Cron", "0 9 * MON *"),
        ("Upstash-Cron", "0 9 * * 1,L"),
        ("Upstash-Cron", "0 9 15W5 * *"),
        ("Upstash-Cron", "0 0 30 2 *"),
        ("Upstash-Cron", "@fortnightly"),
        ("Upstash-Cron", "CRON_TZ=Europe/Berlin"),
        ("Upstash-Cron", "CRON_TZ=Mars/Base * * * * *"),
        ("Upstash-Cron", "CRON_TZ=../etc/passwd * * * * *"),
        ("Upstash-Cron", "CRON_TZ= * * * * *"),
        ("Upstash-Sigpost-Cron", "* * * * * *"),
        ("Upstash-Schedule-Id", "a b"),
        ("Upstash-Schedule-Id", "a/pause"),
        ("Upstash-Schedule-Id", &long),
        ("Upstash-Not-Before", "4102444800"),
        ("Upstash-Sigpost-Catch-Up", "some"),
        ("Upstash-Sigpost-Catch-Upp", "all"),
        ("Upstash-Queue-Name", &long),
        ("Upstash-Queue-Name", "a b"),
    ];
    let before = everything(&app).await;
    for (name, value) in cases {
        let mut request = app.request(Method::POST, "/v2/schedules/https://example.com").header(name, value);
        if name != "Upstash-Cron" {
            request = request.header(fine.0, fine.1);
        }
        if name != "Upstash-Schedule-Id" {
            request = request.header("Upstash-Schedule-Id", "s");
        }
        let answer = answered(request).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{name}: {value:.80}: {answer:?}");
        assert!(answer.error().starts_with(&format!("{name}: ")), "{value:.80}: {}", answer.error());
    }
    for seconds in ["", "* * * * *", "60 * * * * *"] {
        let request = app.request(Method::POST, "/v2/schedules/https://example.com");
        let answer = answered(request.header("Upstash-Sigpost-Cron", seconds)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{seconds}");
        assert!(answer.error().contains("Cron: "), "{seconds}: {}", answer.error());
    }
    for destination in
        ["ftp://a.example", "http://", "a%20b", "%ff", "https%3A%2F%2F%00", "s/explode", "http://10.0.0.1"]
    {
        let request = app.request(Method::POST, &format!("/v2/schedules/{destination}")).header(fine.0, fine.1);
        let answer = answered(request).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{destination}: {answer:?}");
        assert!(answer.error().starts_with("invalid destination url: "), "{destination}: {}", answer.error());
    }
    assert_eq!(everything(&app).await, before);
}
