//! Scenarios in the languages of QStash's official SDKs, which talk to a running server as their users'
//! programs do. The files are in `javascript/` and `python/`; each has a server and a database of its own.

mod scenario;
mod server;
mod stand_in;

use crate::scenario::scenarios;

scenarios! {
    JavaScript in "javascript" as javascript {
        publish: "publish.test.mjs",
    }
    Python in "python" as python {
        publish: "test_publish.py",
    }
}
