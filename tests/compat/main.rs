//! Scenarios in the languages of QStash's official SDKs, which talk to a running server as their users'
//! programs do. The files are in `javascript/` and `python/`; each has a server and a database of its own.

mod scenario;
mod server;
mod stand_in;

use crate::scenario::scenarios;

scenarios! {
    JavaScript in "javascript" as javascript {
        #[ignore = "until batches, groups and queues are there"]
        batch: "batch.test.mjs",
        #[ignore = "until bulk operations are there"]
        cancel: "cancel.test.mjs",
        dev_mode: "dev_mode.test.mjs",
        dlq: "dlq.test.mjs",
        #[ignore = "until bulk operations are there"]
        dlq_bulk: "dlq_bulk.test.mjs",
        errors: "errors.test.mjs",
        #[ignore = "until flow control is there"]
        flow_control: "flow_control.test.mjs",
        logs: "logs.test.mjs",
        #[ignore = "until queues, groups and flow control are there"]
        logs_filters: "logs_filters.test.mjs",
        messages: "messages.test.mjs",
        publish: "publish.test.mjs",
        #[ignore = "until queues are there"]
        queues: "queues.test.mjs",
        receiver: "receiver.test.mjs",
        #[ignore = "until redaction and bulk operations are there"]
        redaction: "redaction.test.mjs",
        #[ignore = "until schedules are there"]
        schedules: "schedules.test.mjs",
        #[ignore = "until groups are there"]
        url_groups: "url_groups.test.mjs",
    }
    Python in "python" as python {
        asynchronous: "test_asyncio.py",
        #[ignore = "until batches, groups and queues are there"]
        batch: "test_batch.py",
        #[ignore = "until bulk operations are there"]
        cancel: "test_cancel.py",
        dlq: "test_dlq.py",
        #[ignore = "until bulk operations are there"]
        dlq_bulk: "test_dlq_bulk.py",
        errors: "test_errors.py",
        #[ignore = "until flow control is there"]
        flow_control: "test_flow_control.py",
        keys: "test_keys.py",
        logs: "test_logs.py",
        messages: "test_messages.py",
        publish: "test_publish.py",
        #[ignore = "until queues are there"]
        queues: "test_queues.py",
        #[ignore = "until redaction is there"]
        redaction: "test_redaction.py",
        #[ignore = "until schedules are there"]
        schedules: "test_schedules.py",
        #[ignore = "until groups are there"]
        url_groups: "test_url_groups.py",
    }
}
