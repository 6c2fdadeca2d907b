//! The memory of the export function does not depend on the size of the export.

use std::fs;
use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use sigpost_jobs::Job;
use sigpost_jobs::payloads::ExportData;
use sigpost_qstash::{MessageId, Signer};
use tokio::process::{Child, Command};

use crate::support::TestDatabase;

/// Long texts, a few hundred megabytes in total.
const RUNS: &str = "
    insert into job_executions (id, message_id, job_type, attempt, status, error, started_at, completed_at, created_at)
    select (lpad(to_hex((extract(epoch from timestamptz '2026-03-01Z') * 1000)::bigint + n), 12, '0') || '7fff8' ||
            lpad(to_hex(n), 15, '0'))::uuid,
           'msg_' || n, 'play', 1, 'failed', repeat('x', 400) || n, timestamptz '2026-03-01Z', timestamptz '2026-03-01Z',
           timestamptz '2026-03-01Z' + n * interval '1 millisecond'
    from generate_series(1, 200000) n";

struct Function {
    process: Child,
    url: String,
}

impl Function {
    fn start(database: &TestDatabase, folder: &std::path::Path) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
        let url = format!("http://127.0.0.1:{port}");
        let process = Command::new(env!("CARGO_BIN_EXE_export-handler"))
            .env_clear()
            .env("DATABASE_URL", &database.url)
            .env("QSTASH_CURRENT_SIGNING_KEY", "sig_current_0123456789")
            .env("QSTASH_NEXT_SIGNING_KEY", "sig_next_0123456789")
            .env("BASE_URL", &url)
            .env("FILES_URL", format!("file://{}", folder.display()))
            .env("TMPDIR", env!("CARGO_TARGET_TMPDIR"))
            .env("LISTEN", format!("127.0.0.1:{port}"))
            .env("RUST_LOG", "warn")
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("a process");
        Self { process, url }
    }

    /// Exports the runs of the given number of milliseconds. Returns the result of the run.
    async fn export(&self, format: &str, rows: u32) -> Value {
        let before = "2026-03-01T00:00:00Z".parse::<Timestamp>().expect("a time") + Duration::from_millis(rows.into());
        let filters = json!({ "createdBefore": before + Duration::from_millis(1) });
        let body = json!({ "entityType": "jobExecutions", "format": format, "filters": filters }).to_string();
        let url = format!("{}{}", self.url, ExportData::ENDPOINT);
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        // The process needs some milliseconds until it accepts connections.
        for attempt in 0.. {
            let request = client
                .post(&url)
                .header("Upstash-Message-Id", MessageId::new().to_string())
                .header(
                    "Upstash-Signature",
                    Signer::new("sig_current_0123456789").sign(&url, body.as_bytes(), Timestamp::now()),
                )
                .body(body.clone());
            match request.send().await {
                Ok(answer) => {
                    let answer: Value = answer.json().await.expect("JSON");
                    assert_eq!(answer["success"], true, "{answer}");
                    return answer["result"].clone();
                }
                Err(why) if why.is_connect() && attempt < 200 => tokio::time::sleep(Duration::from_millis(50)).await,
                Err(why) => panic!("{why}"),
            }
        }
        unreachable!()
    }

    /// Returns the peak memory of the process in bytes.
    fn peak(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id().expect("alive"))).expect("Linux");
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("a peak");
        line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).expect("a number") * 1024
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn memory_does_not_grow_with_the_number_of_rows() {
    const MIB: u64 = 1024 * 1024;
    let database = TestDatabase::new().await;
    database.execute(RUNS).await;
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    for (format, few, all) in [("csv", 50_000, 200_000), ("xlsx", 5_000, 25_000)] {
        let function = Function::start(&database, folder.path());
        assert_eq!(function.export(format, few).await["rows"], few);
        let before = function.peak();
        let many = function.export(format, all).await;
        assert_eq!(many["rows"], all);
        let (after, bytes) = (function.peak(), many["bytes"].as_u64().expect("a number"));
        println!("{format}: {all} rows, {} MiB, peak {} MiB after {} MiB", bytes / MIB, after / MIB, before / MIB);
        // The file grows by more than one part, the peak memory by less.
        let room = sigpost_files::PART_BYTES as u64;
        assert!(after < before + room, "{format}: from {} to {} MiB", before / MIB, after / MIB);
        assert!(after < 100 * MIB, "{format}: {} MiB", after / MIB);
    }
}
