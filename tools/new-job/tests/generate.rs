//! Generates a job, without building the generated code, which `.ci/new-job/run` does.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const LISTED_IN: [&str; 6] = [
    "Cargo.toml",
    "cli/Cargo.toml",
    "cli/src/jobs.rs",
    "infra/alarms.yaml",
    "infra/template.yaml",
    "shared/jobs/src/payloads.rs",
];
const DOCUMENT: &str = include_str!("../../../docs/src/guides/handlers-rust.md");

/// Creates a folder with the files of a checkout that the command reads.
fn checkout() -> tempfile::TempDir {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for file in LISTED_IN.into_iter().chain([
        "Cargo.lock",
        "functions/send-email/Cargo.toml",
        "shared/jobs/src/payloads/recipients.rs",
    ]) {
        let copy = folder.path().join(file);
        fs::create_dir_all(copy.parent().expect("a folder")).expect("a folder");
        fs::copy(repository.join(file), copy).expect(file);
    }
    folder
}

fn new_job(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_new-job"));
    command.args(arguments).current_dir(folder).output().expect("the program starts")
}

/// Returns the text of every file by its path.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut folders: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).expect("below it").to_str().expect("UTF-8").to_owned();
            all.insert(name, fs::read_to_string(&path).expect("text"));
        }
    }
    all
}

#[test]
fn a_job_is_written_and_listed_from_anywhere_in_a_checkout() {
    let checkout = checkout();
    let before = files(checkout.path());
    let dry = new_job(checkout.path(), &["send-reminder", "--dry-run"]);
    assert!(dry.status.success(), "{}", String::from_utf8_lossy(&dry.stderr));
    assert_eq!(files(checkout.path()), before);

    let below = checkout.path().join("functions/send-email");
    let written = new_job(&below, &["send-reminder"]);
    assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
    let (told, would) = (String::from_utf8_lossy(&written.stdout), String::from_utf8_lossy(&dry.stdout));
    assert!(would.starts_with(told.split("\n\n").next().expect("a list")), "{would}{told}");
    assert!(told.contains("docs/src/guides/handlers-rust.md"));

    let after = files(checkout.path());
    let changed: Vec<&String> =
        after.iter().filter(|(file, text)| before.get(*file) != Some(*text)).map(|(file, _)| file).collect();
    for file in &changed {
        let kind = if before.contains_key(*file) { "edit" } else { "new " };
        assert!(told.contains(&format!("{kind} {file}\n")), "{told}");
        let (_, name) = file.rsplit_once("send-reminder/").unwrap_or(("", file));
        let documented = DOCUMENT.contains(&format!("`{file}`")) || name != **file;
        assert!(documented, "docs/src/guides/handlers-rust.md does not name {file}");
    }
    let edited: Vec<&str> =
        changed.iter().map(|file| file.as_str()).filter(|file| before.contains_key(*file)).collect();
    assert_eq!(edited, LISTED_IN);
    for (file, text) in &before {
        // Every line of the old file is still there, in order.
        let kept = after[file].replace(", SendReminder]", "]").replace(", send-reminder]", "]");
        let mut lines = kept.lines();
        assert!(text.lines().all(|line| lines.any(|kept| kept == line)), "{file}");
    }
    for name in ["new-job", "new_job", "NewJob"] {
        assert!(!changed.iter().any(|file| *file != "cli/src/jobs.rs" && after[*file].contains(name)), "{name}");
    }
    assert_eq!(new_job(checkout.path(), &["send-reminder"]).status.code(), Some(1));
}

#[test]
fn a_name_that_is_taken_or_no_name_is_rejected_and_nothing_written() {
    let checkout = checkout();
    let before = files(checkout.path());
    for (name, code, why) in [
        ("send-email", 1, "functions/send-email already exists"),
        ("recipients", 1, "shared/jobs/src/payloads/recipients.rs already exists"),
        ("serde", 1, "serde is the name of a package that sigpost depends on"),
        ("start-migration", 1, "infra/template.yaml already has a function of this name"),
        ("cleanup", 1, "/api/jobs/cleanup is the endpoint of cleanup-old-data"),
        ("SendReminder", 2, "must be lowercase letters and digits"),
        ("../up", 2, "must be lowercase letters and digits"),
        ("match", 2, "is a keyword of Rust"),
    ] {
        let rejected = new_job(checkout.path(), &[name]);
        let error = String::from_utf8_lossy(&rejected.stderr);
        assert!(rejected.status.code() == Some(code) && error.contains(why), "{name}: {error}");
    }
    assert_eq!(files(checkout.path()), before);
}

#[test]
fn elsewhere_than_in_a_checkout_or_in_a_changed_one_nothing_is_written() {
    let elsewhere = tempfile::tempdir().expect("a folder");
    let rejected = new_job(elsewhere.path(), &["send-reminder"]);
    assert!(String::from_utf8_lossy(&rejected.stderr).contains("is not in a checkout of sigpost"));
    assert!(files(elsewhere.path()).is_empty());

    let checkout = checkout();
    let alarms = checkout.path().join("infra/alarms.yaml");
    fs::write(&alarms, "Resources: {}\n").expect("written");
    let before = files(checkout.path());
    let rejected = new_job(checkout.path(), &["send-reminder"]);
    assert!(String::from_utf8_lossy(&rejected.stderr).contains("infra/alarms.yaml has unexpected contents"));
    assert_eq!(files(checkout.path()), before);
}
