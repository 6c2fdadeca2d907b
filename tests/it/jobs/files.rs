//! Storage for a test's files: a temporary folder, or a bucket of moto.

use std::fs;
use std::path::Path;
use std::time::Duration;

use dispatch::dispatcher::StepKind;
use send_email::{Brand, Config, Transport};
use serde_json::{Value, json};
use sigpost_files::{AmazonS3Builder, Bucket, Files};
use sigpost_jobs::{Harness, Job};
use sigpost_qstash::MessageId;
use tempfile::TempDir;
use tests::boto;
use tests::moto::Moto;

use super::deployment::{Deployment, answer_later};
use super::lease::advance_to_heartbeat;
use crate::support::{Answer, Receiver};

/// A deployment that writes files and sends e-mails, each to a destination of the test.
pub(super) struct Desk {
    pub(super) deployment: Deployment,
    /// The stand-in for Resend.
    pub(super) resend: Receiver,
}

impl Desk {
    /// Starts the deployment. `handlers` builds the function that writes files.
    pub(super) async fn start(files: Files, handlers: impl FnOnce(Files, Harness) -> axum::Router) -> Self {
        let resend = Receiver::start().await;
        let sent = Answer::status(200).header("Content-Type", "application/json").body(r#"{"id":"e1"}"#);
        resend.otherwise(sent);
        let email = Config {
            transport: Transport::Resend {
                api_key: "re_key".into(),
                base_url: resend.url("/").parse().expect("a URL"),
            },
            from: "Acme <hello@acme.example>".into(),
            reply_to: None,
            brand: Brand::named("Acme"),
        };
        let deployment = Deployment::start(|harness: Harness| {
            let email = send_email::router(email, harness.clone()).expect("a configuration");
            handlers(files, harness).merge(email)
        })
        .await;
        Self { deployment, resend }
    }

    /// Runs a job to its end, and returns its result.
    pub(super) async fn result<J: Job>(&self, job: &Value) -> (MessageId, Value) {
        let id = self.deployment.publish::<J>(&[], job).await;
        self.deployment.app.wait_for(id, StepKind::Delivered).await;
        let result = self.deployment.runs(id).await.pop().expect("a run")["result"].take();
        (id, result)
    }

    /// Returns the error in the dead letter of such a job.
    pub(super) async fn rejection<J: Job>(&self, job: &Value) -> String {
        let id = self.deployment.publish::<J>(&[], job).await;
        self.deployment.app.wait_for(id, StepKind::Failed).await;
        let letter = self.deployment.app.get(&format!("/v2/dlq?messageId={id}")).await.body["messages"][0].clone();
        assert_eq!(letter["responseStatus"], 489, "{letter}");
        let said: Value = serde_json::from_str(letter["responseBody"].as_str().expect("a text")).expect("JSON");
        said["error"].as_str().expect("a text").to_owned()
    }

    /// Publishes a delayed job, delivers it directly, and cancels its message when `begun` completes. Returns the
    /// response to the delivery.
    pub(super) async fn cancelled<J: Job>(&self, job: &Value, begun: impl Future<Output = ()>) -> (u16, String) {
        let app = &self.deployment.app;
        let id = self.deployment.publish::<J>(&[("Upstash-Delay", "1h")], job).await;
        let running = answer_later(self.deployment.delivery_of::<J>(id, &job.to_string()));
        begun.await;
        app.delete(&format!("/v2/messages/{id}")).await;
        advance_to_heartbeat().await;
        let answered = running.await.expect("joined");
        assert_eq!(self.deployment.story(id).await, ["1 failed: the message was cancelled"]);
        let (status, error) = answered.rejection();
        (status, error.to_owned())
    }

    /// Returns the next e-mail: recipient, subject and link.
    pub(super) async fn email(&self) -> (Value, String, String) {
        let email = self.resend.next().await.json();
        let text = email["text"].as_str().expect("a text");
        let link = text.lines().find_map(|line| line.strip_prefix("Download the file: ")).expect("a link");
        (email["to"].clone(), email["subject"].as_str().expect("a text").to_owned(), link.to_owned())
    }

    /// Returns the number of e-mails that were ever enqueued.
    pub(super) async fn emails_enqueued(&self) -> i64 {
        self.deployment.app.database.count("select count(*) from messages where url like '%/api/jobs/email'").await
    }

    /// Makes the record of a run's end fail until [`unblock_run_end`](Self::unblock_run_end).
    pub(super) async fn block_run_end(&self) {
        let sql = "create function reject() returns trigger language plpgsql as $$ begin raise 'no'; end $$;
                   create trigger rejecting before update on job_executions for each row
                   when (new.status = 'completed' and new.job_type <> 'send-email') execute function reject();";
        self.deployment.app.database.execute(sql).await;
    }

    /// Permits the record again, and expires the leases of the runs that could not be recorded.
    pub(super) async fn unblock_run_end(&self) {
        let sql = "drop trigger rejecting on job_executions;
                   update job_executions set lease_until = now() - interval '1 second' where status = 'processing'";
        self.deployment.app.database.execute(sql).await;
    }
}

/// Creates a folder that is deleted with the test.
pub(super) fn folder() -> (TempDir, Files) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let files = Files::in_folder(folder.path()).expect("files");
    (folder, files)
}

/// Returns the names in a folder, in order.
pub(super) fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8")).collect();
    names.sort();
    names
}

/// Reads the local file that the result names.
pub(super) fn read(result: &Value) -> Vec<u8> {
    let url: reqwest::Url = result["file"].as_str().expect("a text").parse().expect("a URL");
    fs::read(url.to_file_path().expect("a path")).expect("a file")
}

/// Returns the storage settings of the S3 server at this URL.
pub(super) fn bucket(url: &str) -> Files {
    let access = AmazonS3Builder::new()
        .with_endpoint(url)
        .with_region(boto::REGION)
        .with_access_key_id("AKIDEXAMPLE")
        .with_secret_access_key("secret");
    let link_valid = Duration::from_secs(7200);
    Files::in_bucket(Bucket { name: "files".into(), prefix: "of/sigpost".into(), access, link_valid }).expect("files")
}

/// Creates a bucket of moto. Returns `None` if moto is not installed.
pub(super) async fn moto_bucket() -> Option<(Moto, Files)> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let moto = Moto::start(folder).await?;
    let make = "import boto3; boto3.client('s3').create_bucket(Bucket='files',
        CreateBucketConfiguration={'LocationConstraint': 'eu-central-1'})";
    boto::run(folder, &moto.url, make, &[]).await;
    let files = bucket(&moto.url);
    Some((moto, files))
}

/// Lists a bucket with AWS's own SDK: keys, content types, and incomplete uploads.
pub(super) async fn found_by_aws(moto: &Moto) -> Value {
    let look = "
import boto3, json
s3 = boto3.client('s3')
keys = [found['Key'] for found in s3.list_objects_v2(Bucket='files').get('Contents', [])]
types = [s3.head_object(Bucket='files', Key=key)['ContentType'] for key in keys]
uploads = [upload['Key'] for upload in s3.list_multipart_uploads(Bucket='files').get('Uploads', [])]
print(json.dumps({'keys': keys, 'types': types, 'uploads': uploads}))";
    let printed = boto::run(Path::new(env!("CARGO_TARGET_TMPDIR")), &moto.url, look, &[]).await;
    serde_json::from_str(&printed).expect("JSON")
}

/// Inserts `count` runs whose texts need escaping; every second one failed.
pub(super) async fn arrange_runs(desk: &Desk, count: u32) {
    let sql = format!(
        "insert into job_executions
            (id, message_id, job_type, attempt, status, error, user_id, organization_id, started_at, completed_at, created_at)
         select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(n % 4096), 3, '0') || '8' ||
                 lpad(to_hex(n), 15, '0'))::uuid,
                'msg_' || n, case when n % 4 = 0 then 'play' else 'sing' end, 1,
                (case when n % 2 = 0 then 'failed' else 'completed' end)::job_execution_status,
                case when n % 2 = 0 then '=1+1, \"said\" the' || chr(10) || 'Zoë' end,
                'user_' || n % 3, 'org_1', at, at + interval '1500 milliseconds', at
         from generate_series(1, {count}) n, lateral (select timestamptz '2026-03-01T00:00:00Z' + n * interval '1 minute' as at) times"
    );
    desk.deployment.app.database.execute(&sql).await;
}

/// The `to` of an e-mail to one recipient.
pub(super) fn only(address: &str) -> Value {
    json!([address])
}
