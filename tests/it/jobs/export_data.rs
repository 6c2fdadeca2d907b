//! The export-data function: from a publish to the file.

use std::collections::HashMap;
use std::io::Cursor;

use calamine::{Data, Reader, Xlsx};
use dispatch::dispatcher::StepKind;
use serde_json::{Value, json};
use sigpost_files::Files;
use sigpost_jobs::Job;
use sigpost_jobs::payloads::ExportData;

use super::files::{Desk, arrange_runs, bucket, folder, found_by_aws, moto_bucket, names, only, read};
use crate::support::{Answer, Receiver};

async fn start(files: Files) -> Desk {
    Desk::start(files, export_data::router).await
}

/// Returns the header and the rows of a CSV file.
fn table(csv: &[u8]) -> (Vec<String>, Vec<Vec<String>>) {
    let mut reader = csv::Reader::from_reader(csv);
    let texts = |record: &csv::StringRecord| record.iter().map(str::to_owned).collect::<Vec<_>>();
    let header = texts(reader.headers().expect("a header"));
    (header, reader.records().map(|record| texts(&record.expect("a row"))).collect())
}

#[tokio::test]
async fn export_of_runs_has_only_the_selected_rows() {
    let (_folder, files) = folder();
    let desk = start(files).await;
    // More rows than two pages.
    arrange_runs(&desk, 2100).await;
    let filters = json!({
        "createdAfter": "2026-03-01T00:02:00Z", "createdBefore": "2026-03-02T10:00:00Z", "status": "failed", "jobType": "play",
    });
    let job = json!({ "entityType": "jobExecutions", "format": "csv", "filters": filters });
    let (id, result) = desk.result::<ExportData>(&job).await;

    let (header, rows) = table(&read(&result));
    let columns = "runId messageId type attempt status startedAt completedAt durationMs userId organizationId error";
    assert_eq!(header.join(" "), columns);
    // One of every four minutes, from the fourth to before the 2040th.
    assert_eq!(rows.len(), 509);
    let first = &rows[0];
    assert_eq!(first[1..5], ["msg_4", "play", "1", "failed"]);
    assert_eq!(first[5..10], ["2026-03-01T00:04:00.000Z", "2026-03-01T00:04:01.500Z", "1500", "user_1", "org_1"]);
    assert_eq!(first[10], "'=1+1, \"said\" the\nZoë", "a spreadsheet must not evaluate it as a formula");
    assert_eq!(rows[508][1], "msg_2036");

    let bytes = read(&result).len();
    assert_eq!((&result["rows"], &result["bytes"]), (&json!(509), &json!(bytes)));
    assert!(result["file"].as_str().is_some_and(|file| file.ends_with(&format!("/exports/jobExecutions-{id}.csv"))));
    let progress = desk.deployment.runs(id).await[0]["progress"].clone();
    assert_eq!(progress, json!({ "rows": 509, "bytes": bytes }));
    assert_eq!(desk.emails_enqueued().await, 0, "the job has no recipients");
}

#[tokio::test]
async fn both_formats_have_all_rows_once_and_in_order() {
    let (_folder, files) = folder();
    let desk = start(files).await;
    arrange_runs(&desk, 2100).await;
    // The export's own run started after its end time, by the database's clock, or is the last row.
    let filters = json!({ "createdBefore": "2026-03-10T00:00:00Z" });
    let of = |format: &str| json!({ "entityType": "jobExecutions", "format": format, "filters": filters });
    let (_, csv) = desk.result::<ExportData>(&of("csv")).await;
    let (_, rows) = table(&read(&csv));
    let ids: Vec<String> = rows.iter().map(|row| row[1].clone()).collect();
    assert_eq!(ids, (1..=2100).map(|number| format!("msg_{number}")).collect::<Vec<_>>());

    let (_, result) = desk.result::<ExportData>(&of("xlsx")).await;
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(read(&result))).expect("a workbook");
    let sheet = book.worksheet_range("jobExecutions").expect("the sheet");
    let cells: Vec<&[Data]> = sheet.rows().collect();
    assert_eq!((cells.len(), &result["rows"]), (2101, &json!(2100)));
    let text = |text: &str| Data::String(text.to_owned());
    assert_eq!(cells[0][10], text("error"));
    assert_eq!(cells[2][1], text("msg_2"));
    assert_eq!(cells[2][3], Data::Float(1.0), "a number is a number");
    assert_eq!(cells[2][10], text("=1+1, \"said\" the\nZoë"), "a text is no formula");
    assert_eq!(cells[1][10], Data::Empty);
    assert_eq!(cells[2100][1], text("msg_2100"));
}

#[tokio::test]
async fn messages_events_and_dead_letters_are_exported() {
    let (_folder, files) = folder();
    let desk = start(files).await;
    let app = &desk.deployment.app;
    let delivered = app.publish_here(&[], "a secret").await.id();
    app.wait_for(delivered, StepKind::Delivered).await;
    app.receiver.answers([Answer::status(489).header("Upstash-NonRetryable-Error", "true").body("no")]);
    let failed = app.publish_here(&[("Upstash-Label", "a")], "a secret").await.id();
    app.wait_for(failed, StepKind::Failed).await;

    let mut exported = HashMap::new();
    for entity in ["messages", "events", "deadLetters"] {
        let (id, result) = desk.result::<ExportData>(&json!({ "entityType": entity, "format": "csv" })).await;
        let csv = read(&result);
        assert!(!String::from_utf8_lossy(&csv).contains("a secret"));
        let (header, mut rows) = table(&csv);
        let of = header.iter().position(|name| name == "messageId").expect("a column");
        // The exports are messages as well.
        rows.retain(|row| row[of] == delivered.to_string() || row[of] == failed.to_string());
        assert!(rows.iter().all(|row| row[of] != id.to_string()));
        let column = |name: &str| {
            let at = header.iter().position(|known| known == name).expect("a column");
            rows.iter().map(|row| row[at].clone()).collect::<Vec<_>>().join(" ")
        };
        match entity {
            "events" => exported.insert("events", column("state")),
            "messages" => exported.insert("messages", format!("{} {}", column("state"), column("labels").trim())),
            _ => exported.insert("deadLetters", format!("{} {}", column("messageId"), column("responseStatus"))),
        };
    }
    let expected = HashMap::from([
        ("messages", "delivered failed a".to_owned()),
        ("events", "CREATED ACTIVE DELIVERED CREATED ACTIVE ERROR FAILED".to_owned()),
        ("deadLetters", format!("{failed} 489")),
    ]);
    assert_eq!(exported, expected);
}

#[tokio::test]
async fn product_tables_are_exported() {
    let (_folder, files) = folder();
    let desk = start(files).await;
    let arranged = "
        create function id_at(at timestamptz, n bigint) returns uuid language sql as $$
            select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7000' || '8' || lpad(to_hex(n), 15, '0'))::uuid
        $$;
        insert into email_logs (id, email_id, recipient, template_type, subject, status, provider, metadata, sent_at, failed_at, error_message)
            select id_at(now(), n), 're_' || n, 'ada@example.com', 'welcome', '=Hi', (case when n % 2 = 0 then 'bounced' else 'sent' end)::email_status,
                   'resend', jsonb_build_object('messageId', 'msg_1', 'secret', 's3cret'), timestamptz '2026-03-01T00:00:00Z' + n * interval '1 minute',
                   case when n % 2 = 0 then timestamptz '2026-03-09T00:00:00Z' end, case when n % 2 = 0 then 'no such mailbox' end
            from generate_series(1, 2100) n;
        insert into notifications (id, message_id, user_id, kind, category, priority, title, message, metadata, read_at, created_at)
            select id_at('2026-03-01T00:00:00Z', n), 'msg_1', 'user_' || n, 'system.update', 'system', 'info', 'T', 'M', jsonb_build_object('secret', 's3cret'),
                   case when n = 2 then timestamptz '2026-03-02T00:00:00Z' end, '2026-03-01T00:00:00Z'
            from generate_series(1, 3) n;
        insert into activity_logs (id, organization_id, user_id, action, ip_address, created_at)
            select id_at(now(), n), 'org_' || n % 2, 'user_7', 'payment.failed', '3.18.12.63', timestamptz '2026-03-01T00:00:00Z'
            from generate_series(1, 4) n;";
    desk.deployment.app.database.execute(arranged).await;
    let exported = async |entity: &str, filters: Value| {
        let job = json!({ "entityType": entity, "format": "csv", "filters": filters });
        let csv = read(&desk.result::<ExportData>(&job).await.1);
        assert!(!String::from_utf8_lossy(&csv).contains("s3cret"));
        let (header, rows) = table(&csv);
        (header.join(" "), rows)
    };

    // Received long after they were sent, so their IDs are younger than the end of the period.
    let filters =
        json!({ "status": "bounced", "createdAfter": "2026-03-01T00:04:00Z", "createdBefore": "2026-03-03T00:00:00Z" });
    let (header, rows) = exported("emailLogs", filters).await;
    let columns = "emailId recipient template subject status provider messageId sentAt deliveredAt failedAt error";
    assert_eq!((header.as_str(), rows.len()), (columns, 1049));
    let first = "re_4 ada@example.com welcome '=Hi bounced resend msg_1 2026-03-01T00:04:00.000Z  2026-03-09T00:00:00.000Z no such mailbox";
    assert_eq!(rows[0].join(" "), first);
    assert_eq!(exported("emailLogs", json!({})).await.1.len(), 2100);

    let (header, rows) = exported("notifications", json!({ "status": "read" })).await;
    let columns =
        "notificationId messageId userId type category priority title message status createdAt readAt expiresAt";
    assert_eq!(header, columns);
    let read = "msg_1 user_2 system.update system info T M read 2026-03-01T00:00:00.000Z 2026-03-02T00:00:00.000Z ";
    assert_eq!(rows.iter().map(|row| row[1..].join(" ")).collect::<Vec<_>>(), [read]);
    assert_eq!(exported("notifications", json!({ "userId": "user_3" })).await.1.len(), 1);
    assert_eq!(exported("notifications", json!({ "status": "unread" })).await.1.len(), 2);

    let (header, rows) = exported("activityLogs", json!({ "organizationId": "org_1", "userId": "user_7" })).await;
    assert_eq!(header, "activityId organizationId userId action ipAddress createdAt");
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0][1..], ["org_1", "user_7", "payment.failed", "3.18.12.63", "2026-03-01T00:00:00.000Z"]);
    let early = json!({ "createdBefore": "2026-03-01T00:00:00Z" });
    assert_eq!(exported("activityLogs", early).await.1.len(), 0);
}

#[tokio::test]
async fn exported_file_is_readable_through_the_emailed_link() {
    let Some((moto, files)) = moto_bucket().await else { return };
    let desk = start(files).await;
    // About 10 MB, more than one part.
    arrange_runs(&desk, 60_000).await;
    let recipients = json!(["ada@example.com", "bob@example.com"]);
    let filters = json!({ "createdBefore": "2027-11-10T00:00:00Z" });
    let job = json!({ "entityType": "jobExecutions", "format": "csv", "filters": filters, "recipients": recipients });
    let (id, result) = desk.result::<ExportData>(&job).await;

    let key = format!("of/sigpost/exports/jobExecutions-{id}.csv");
    assert_eq!(result["file"], format!("s3://files/{key}"));
    let expected = json!({ "keys": [key], "types": ["text/csv; charset=utf-8"], "uploads": [] });
    assert_eq!(found_by_aws(&moto).await, expected);

    let mut told = Vec::new();
    for _ in 0..2 {
        let (to, subject, link) = desk.email().await;
        assert!(subject.starts_with("Export of jobExecutions (60"), "{subject}");
        assert!(link.contains("X-Amz-Expires=7200") && !link.contains("secret"), "{link}");
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let answer = client.get(link).send().await.expect("a response");
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-disposition"], "attachment");
        let csv = answer.bytes().await.expect("a body");
        assert_eq!((json!(csv.len()), json!(table(&csv).1.len())), (result["bytes"].clone(), result["rows"].clone()));
        assert!(csv.len() > sigpost_files::PART_BYTES, "{}", csv.len());
        told.push(to);
    }
    told.sort_by_key(Value::to_string);
    assert_eq!(told, [only("ada@example.com"), only("bob@example.com")], "each has an e-mail of their own");
}

#[tokio::test]
async fn repeated_export_writes_the_same_file_and_emails_once() {
    let (folder, files) = folder();
    let desk = start(files).await;
    arrange_runs(&desk, 10).await;
    // The file is written, then the record of the run and its follow-up jobs fail.
    desk.block_run_end().await;
    let job = json!({ "entityType": "jobExecutions", "format": "csv", "recipients": ["ada@example.com"] });
    let id = desk.deployment.publish::<ExportData>(&[], &job).await;
    desk.deployment.app.wait_for(id, StepKind::Retried).await;
    assert_eq!(desk.emails_enqueued().await, 0);
    let name = format!("jobExecutions-{id}.csv");
    assert_eq!(names(&folder.path().join("exports")), [name.as_str()]);

    desk.unblock_run_end().await;
    desk.deployment.app.make_messages_due().await;
    desk.deployment.app.wait_for(id, StepKind::Delivered).await;
    assert_eq!(names(&folder.path().join("exports")), [name.as_str()]);
    assert_eq!((desk.email().await.0, desk.emails_enqueued().await), (only("ada@example.com"), 1));
    let story = desk.deployment.story(id).await;
    assert!(story[0].starts_with("1 failed: the run's lease expired") && story[1] == "2 completed", "{story:?}");
}

#[tokio::test]
async fn storage_failure_is_retried_and_its_response_is_not_shown() {
    let s3 = Receiver::start().await;
    let rejected = "<Error><Code>SignatureDoesNotMatch</Code><AWSAccessKeyId>AKIDEXAMPLE</AWSAccessKeyId></Error>";
    s3.otherwise(Answer::status(403).body(rejected));
    let desk = start(bucket(&s3.url(""))).await;
    let id = desk.deployment.publish::<ExportData>(&[], &json!({ "entityType": "events", "format": "csv" })).await;
    desk.deployment.app.wait_for(id, StepKind::Retried).await;
    let why = "1 failed: FILES_URL: access to the file storage denied";
    assert_eq!(desk.deployment.story(id).await, [why]);
}

#[tokio::test]
async fn cancelled_export_leaves_no_files() {
    let s3 = Receiver::start().await;
    let begun = "<InitiateMultipartUploadResult><UploadId>upload-1</UploadId></InitiateMultipartUploadResult>";
    s3.answers([Answer::status(200).body(begun), Answer::status(200).header("ETag", "\"1\"").held()]);
    s3.otherwise(Answer::status(204));
    let desk = start(bucket(&s3.url(""))).await;
    let job = json!({ "entityType": "events", "format": "csv", "recipients": ["ada@example.com"] });
    let begun = async {
        let requests = s3.next_many(2).await;
        assert_eq!((requests[0].method.as_str(), requests[0].uri.query()), ("POST", Some("uploads=")));
        assert_eq!(requests[1].method, "PUT");
    };
    assert_eq!(desk.cancelled::<ExportData>(&job, begun).await, (489, "the message was cancelled".to_owned()));
    let abort = s3.next().await;
    assert_eq!((abort.method.as_str(), abort.uri.query()), ("DELETE", Some("uploadId=upload-1")));
    assert_eq!((desk.emails_enqueued().await, s3.all_so_far().await.len()), (0, 0));
}

#[tokio::test]
async fn invalid_export_is_rejected_with_the_field() {
    let (folder, files) = folder();
    let desk = start(files).await;
    let job = |entity: &str, format: &str, filters: Value| json!({ "entityType": entity, "format": format, "filters": filters });
    for (job, error) in [
        (job("users", "csv", json!({})), "entityType: must be one of `messages`, `events`"),
        (job("events", "pdf", json!({})), "format: must be "),
        (job("events", "csv", json!({ "createdAfter": "yesterday" })), "filters.createdAfter: "),
        (job("events", "csv", json!({ "since": 1 })), "filters.since: unknown field `since`"),
        (job("messages", "csv", json!({ "status": "lost" })), "filters.status: must be one of pending, active"),
        (job("emailLogs", "csv", json!({ "userId": "u" })), "filters.userId: emailLogs have no such field"),
        (json!({ "format": "csv" }), "entityType: is missing"),
        (json!({ "entityType": "events", "format": "csv", "recipients": ["ada"] }), "recipients[0]: is not an e-mail"),
    ] {
        let said = desk.rejection::<ExportData>(&job).await;
        assert!(said.starts_with(error), "{said}");
    }
    assert_eq!((names(folder.path()), desk.deployment.run_count().await), (Vec::<String>::new(), 0));
}

#[test]
fn file_ready_job_is_valid_for_send_email() {
    use sigpost_files::FileReady;
    let link = "https://files.example/exports/events.csv".parse().expect("a URL");
    let job = FileReady::new("Export of events", &link, None).to("ada@example.com");
    assert_eq!(job.validate(), Ok(()));
}
