//! Scenarios in JavaScript and Python that use QStash's official SDKs against a running server. Each file in
//! `javascript/` and `python/` has its own server and database.

mod scenario;
mod server;
mod stand_in;

use crate::scenario::scenarios;

scenarios! {
    JavaScript in "javascript" as javascript {
        batch: "batch.test.mjs",
        cancel: "cancel.test.mjs",
        dev_mode: "dev_mode.test.mjs",
        dlq: "dlq.test.mjs",
        dlq_bulk: "dlq_bulk.test.mjs",
        errors: "errors.test.mjs",
        flow_control: "flow_control.test.mjs",
        logs: "logs.test.mjs",
        logs_filters: "logs_filters.test.mjs",
        messages: "messages.test.mjs",
        publish: "publish.test.mjs",
        queues: "queues.test.mjs",
        receiver: "receiver.test.mjs",
        redaction: "redaction.test.mjs",
        schedules: "schedules.test.mjs",
        tokens: "tokens.test.mjs",
        url_groups: "url_groups.test.mjs",
    }
    Python in "python" as python {
        asynchronous: "test_asyncio.py",
        batch: "test_batch.py",
        cancel: "test_cancel.py",
        dlq: "test_dlq.py",
        dlq_bulk: "test_dlq_bulk.py",
        errors: "test_errors.py",
        flow_control: "test_flow_control.py",
        keys: "test_keys.py",
        logs: "test_logs.py",
        messages: "test_messages.py",
        publish: "test_publish.py",
        queues: "test_queues.py",
        redaction: "test_redaction.py",
        schedules: "test_schedules.py",
        tokens: "test_tokens.py",
        url_groups: "test_url_groups.py",
    }
}
