//! Responses of the API, compared with the recordings in `recorded/*.json`.
//!
//! Each scenario has its own database and runs one step after another, so that the order of events is defined. Every
//! request is recorded with its response. IDs, times and addresses differ between runs: `names` and `times` replace
//! them with stable texts that keep their relations. A repeated event or dead letter is shown by its label, the field
//! `#`.
//!
//! After an intended change of responses, write the recordings and review their diff:
//!
//! ```text
//! SIGPOST_RECORD=1 cargo test -p tests --test it recorded::
//! ```

mod admin;
mod callbacks;
mod cancellations;
mod dead_letters;
mod deliveries;
mod difference;
mod dispatchers;
mod flow_control;
mod log;
mod names;
mod normaliser;
mod print;
mod publishing;
mod queues;
mod redaction;
mod retry_now;
mod schedules;
mod session;
mod times;
mod url_groups;

use std::fs;
use std::path::{Path, PathBuf};

/// Returns the folder of the recordings, beside the scenarios.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("it/recorded")
}

#[test]
fn every_recording_has_a_scenario() {
    let files = || fs::read_dir(folder()).expect("the folder").map(|entry| entry.expect("an entry").path());
    let with_extension =
        |extension: &'static str| files().filter(move |path| path.extension().is_some_and(|e| e == extension));
    let scenarios: String = with_extension("rs").map(|path| fs::read_to_string(path).expect("text")).collect();
    for recording in with_extension("json") {
        let name = recording.file_stem().expect("a name").to_str().expect("UTF-8").to_owned();
        assert!(
            scenarios.contains(&format!("(\"{name}\"")),
            "no scenario is named {name}: delete {}",
            recording.display()
        );
    }
}
