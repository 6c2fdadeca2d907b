//! The generate-report function: from a publish to the file.

use dispatch::dispatcher::StepKind;
use serde_json::{Value, json};
use sigpost_files::Files;
use sigpost_jobs::payloads::GenerateReport;

use super::files::{Desk, arrange_runs, bucket, folder, found_by_aws, moto_bucket, names, only, read};
use crate::support::{Answer, Receiver};

async fn start(files: Files) -> Desk {
    Desk::start(files, generate_report::router).await
}

fn job(report_type: &str, format: &str) -> Value {
    let range = json!({ "from": "2026-03-01T00:00:00Z", "to": "2026-03-08T00:00:00Z" });
    json!({ "reportType": report_type, "format": format, "dateRange": range, "recipients": ["ada@example.com"] })
}

#[tokio::test]
async fn report_has_the_figures_of_its_period() {
    let (_folder, files) = folder();
    let desk = start(files).await;
    // One run per minute over two days and an hour.
    arrange_runs(&desk, 2940).await;
    let (id, result) = desk.result::<GenerateReport>(&job("usage", "json")).await;
    let mut report: Value = serde_json::from_slice(&read(&result)).expect("JSON");

    let runs = report["runs"].take();
    let counts: Vec<(i64, i64)> = (runs.as_array().expect("a list").iter())
        .map(|bar| (bar["completed"].as_i64().expect("a number"), bar["failed"].as_i64().expect("a number")))
        .collect();
    assert_eq!(counts, [(720, 719), (720, 720), (30, 31), (0, 0), (0, 0), (0, 0), (0, 0)]);
    assert_eq!(runs[1]["begins"], "2026-03-02T00:00:00Z");
    let sums = |name: &str, completed: i64, failed: i64| {
        let total = 1.5 * (completed + failed) as f64;
        #[expect(clippy::cast_precision_loss, reason = "small")]
        let rate = failed as f64 / (completed + failed) as f64;
        let (average, p95) = if completed > 0 { (json!(1500.0), json!(1500.0)) } else { (Value::Null, Value::Null) };
        json!({
            "type": name, "completed": completed, "failed": failed, "failureRate": rate, "averageMs": average, "p95Ms": p95,
            "totalSeconds": total,
        })
    };
    let owner = |id: &str, runs: i64, failed: i64| json!({ "id": id, "runs": runs, "failed": failed, "totalSeconds": 1.5 * runs as f64 });
    let expected = json!({
        "reportType": "usage", "from": "2026-03-01T00:00:00Z", "to": "2026-03-08T00:00:00Z", "step": "day", "runs": null,
        "totals": { "completed": 1470, "failed": 1470, "failureRate": 0.5, "totalSeconds": 4410.0 },
        "byType": [sums("sing", 1470, 735), sums("play", 0, 735)],
        "usage": {
            "organizations": [owner("org_1", 2940, 1470)],
            "users": [owner("user_0", 980, 490), owner("user_1", 980, 490), owner("user_2", 980, 490)],
        },
    });
    assert_eq!(report, expected);
    assert_eq!(result["runs"], 2940);
    assert!(
        result["file"].as_str().is_some_and(|file| file.ends_with(&format!("/reports/usage-{id}.json"))),
        "{result}"
    );
}

#[tokio::test]
async fn html_and_pdf_show_the_same_with_a_chart() {
    let (_folder, files) = folder();
    let desk = start(files).await;
    arrange_runs(&desk, 2940).await;
    let (_, result) = desk.result::<GenerateReport>(&job("analytics", "html")).await;
    let page = String::from_utf8(read(&result)).expect("UTF-8");
    let sentence = "2940 runs ended: 1470 completed, 1470 failed (50.0 %). Total duration: 4410.0 s.";
    for part in
        ["Analytics report, 2026-03-01 to 2026-03-07", sentence, "<svg", "<td>sing</td><td>1470</td><td>735</td>"]
    {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    assert_eq!(page.matches("<rect").count(), 6, "three days with completed and failed runs");

    let (_, result) = desk.result::<GenerateReport>(&job("usage", "pdf")).await;
    let document = lopdf::Document::load_mem(&read(&result)).expect("a PDF");
    assert_eq!(document.get_pages().len(), 1);
    let text = document.extract_text(&[1]).expect("its text");
    for part in ["Usage report, 2026-03-01 to 2026-03-07", sentence, "sing", "By organization", "org_1", "user_2"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    let content = document.get_page_content(document.get_pages()[&1]);
    let content = lopdf::content::Content::decode(&content).expect("operations");
    let rectangles = content.operations.iter().filter(|operation| operation.operator == "re").count();
    assert_eq!(rectangles, 6);
}

#[tokio::test]
async fn report_file_is_readable_through_the_emailed_link() {
    let Some((moto, files)) = moto_bucket().await else { return };
    let desk = start(files).await;
    let (id, result) = desk.result::<GenerateReport>(&job("analytics", "html")).await;
    let key = format!("of/sigpost/reports/analytics-{id}.html");
    assert_eq!(result["file"], format!("s3://files/{key}"));
    let expected = json!({ "keys": [key], "types": ["text/html; charset=utf-8"], "uploads": [] });
    assert_eq!(found_by_aws(&moto).await, expected);

    let (to, subject, link) = desk.email().await;
    assert_eq!(
        (to, subject.as_str()),
        (only("ada@example.com"), "Analytics report, 2026-03-01 to 2026-03-07 is ready")
    );
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let page = client.get(link).send().await.expect("a response").text().await.expect("a body");
    assert!(page.contains("0 runs ended"), "{page}");
}

#[tokio::test]
async fn repeated_report_writes_the_same_file_and_emails_once() {
    let (folder, files) = folder();
    let desk = start(files).await;
    desk.block_run_end().await;
    let id = desk.deployment.publish::<GenerateReport>(&[], &job("analytics", "pdf")).await;
    desk.deployment.app.wait_for(id, StepKind::Retried).await;
    desk.unblock_run_end().await;
    desk.deployment.app.make_messages_due().await;
    desk.deployment.app.wait_for(id, StepKind::Delivered).await;
    assert_eq!(names(&folder.path().join("reports")), [format!("analytics-{id}.pdf")]);
    assert_eq!((desk.email().await.0, desk.emails_enqueued().await), (only("ada@example.com"), 1));
}

#[tokio::test]
async fn cancelled_report_leaves_no_files() {
    let s3 = Receiver::start().await;
    let begun = "<InitiateMultipartUploadResult><UploadId>upload-1</UploadId></InitiateMultipartUploadResult>";
    s3.answers([Answer::status(200).body(begun), Answer::status(200).header("ETag", "\"1\"").held()]);
    s3.otherwise(Answer::status(204));
    let desk = start(bucket(&s3.url(""))).await;
    let begun = async { drop(s3.next_many(2).await) };
    let answered = desk.cancelled::<GenerateReport>(&job("analytics", "json"), begun).await;
    assert_eq!(answered, (489, "the message was cancelled".to_owned()));
    assert_eq!(s3.next().await.method, "DELETE");
    assert_eq!(desk.emails_enqueued().await, 0);
}

#[tokio::test]
async fn invalid_report_is_rejected_with_the_field() {
    let (folder, files) = folder();
    let desk = start(files).await;
    let changed = |field: &str, value: Value| {
        let mut job = job("usage", "pdf");
        job[field] = value;
        job
    };
    for (job, error) in [
        (
            changed("reportType", json!("billing")),
            "reportType: billing reports are not supported; must be analytics or usage",
        ),
        (changed("reportType", json!("sales")), "reportType: must be "),
        (changed("format", json!("docx")), "format: must be "),
        (changed("dateRange", json!({ "from": "2026-03-01T00:00:00Z" })), "dateRange.to: is missing"),
        (
            changed("dateRange", json!({ "from": "2026-03-02T00:00:00Z", "to": "2026-03-01T00:00:00Z" })),
            "dateRange.to: must be",
        ),
        (changed("recipients", json!([])), "recipients: must not be empty"),
        (changed("recipients", json!(["a@b.example", "b"])), "recipients[1]: is not an e-mail address"),
    ] {
        let said = desk.rejection::<GenerateReport>(&job).await;
        assert!(said.starts_with(error), "{said}");
    }
    assert_eq!((names(folder.path()), desk.deployment.run_count().await), (Vec::<String>::new(), 0));
}
