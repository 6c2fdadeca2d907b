//! `sigpost new handler`, without building the generated code, which `.ci/new-job/run` does.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use crate::running::{finished, sigpost};

const EXAMPLE: &str = "examples/own-handler";

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("a folder")
}

fn new_handler(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = sigpost(&["new", "handler"]);
    command.args(arguments).current_dir(folder);
    finished(command)
}

fn rejection(folder: &Path, arguments: &[&str]) -> String {
    let output = new_handler(folder, arguments);
    assert!(!output.status.success(), "{arguments:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Returns the names and texts of the files in a package, without what cargo writes.
fn files(package: &Path) -> Vec<(String, String)> {
    let read = |folder: &str| {
        let entries =
            fs::read_dir(package.join(folder)).expect("a folder").map(|entry| entry.expect("an entry").path());
        let files = entries.filter(|path| path.is_file() && !path.ends_with("Cargo.lock"));
        let named = |path: PathBuf| {
            let name = path.strip_prefix(package).expect("below it").to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).expect("text"))
        };
        files.map(named).collect::<Vec<_>>()
    };
    let mut all = [read(""), read("src")].concat();
    all.sort();
    all
}

#[test]
fn example_is_the_output_of_the_generator() {
    // A folder at the same depth below the checkout has the same relative path to the library.
    let target = repository().join("target");
    fs::create_dir_all(&target).expect("a folder");
    let below = tempfile::tempdir_in(target).expect("a folder");
    let written = new_handler(below.path(), &["own-handler", "--path", "."]);
    assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
    assert_eq!(files(below.path()), files(&repository().join(EXAMPLE)));
    let told = String::from_utf8_lossy(&written.stdout).into_owned();
    for (file, _) in files(below.path()) {
        assert!(told.contains(&format!("new  ./{file}\n")), "{told}");
    }
}

#[test]
fn handler_has_its_name_and_the_given_library_in_any_folder() {
    let elsewhere = tempfile::tempdir().expect("a folder");
    let repository = repository();
    let checkout = repository.to_str().expect("UTF-8");
    let written = new_handler(elsewhere.path(), &["send-invoice", "--checkout", checkout]);
    assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
    let files = files(&elsewhere.path().join("send-invoice"));
    let text = files.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().concat();
    assert!(text.contains(&format!("sigpost-jobs = {{ path = \"{checkout}/shared/jobs\" }}")), "{text}");
    assert!(text.contains("pub struct SendInvoice") && text.contains("\"/api/jobs/send-invoice\""), "{text}");
    assert!(["own-handler", "own_handler", "OwnHandler"].iter().all(|name| !text.contains(name)), "{text}");

    let git = ["send-receipt", "--path", "a/b", "--git", "https://git.example/sigpost.git"];
    assert!(new_handler(elsewhere.path(), &git).status.success());
    let manifest = fs::read_to_string(elsewhere.path().join("a/b/Cargo.toml")).expect("a manifest");
    assert!(manifest.contains("sigpost-jobs = { git = \"https://git.example/sigpost.git\" }"), "{manifest}");
}

#[test]
fn invalid_name_folder_or_library_is_rejected_and_nothing_is_overwritten() {
    let elsewhere = tempfile::tempdir().expect("a folder");
    let folder = elsewhere.path();
    let git = ["--git", "https://git.example/sigpost.git"];
    assert!(rejection(folder, &["SendInvoice"]).contains("must be lowercase letters and digits"));
    assert!(rejection(folder, &["send-invoice"]).contains("name a checkout with --checkout DIR or a repository with"));
    assert!(rejection(folder, &["send-invoice", "--checkout", "."]).contains("not a checkout of sigpost"));
    assert!(rejection(folder, &["send-invoice", "--checkout", ".", git[0], git[1]]).contains("cannot be used with"));
    assert_eq!(fs::read_dir(folder).expect("a folder").count(), 0);

    fs::create_dir(folder.join("send-invoice")).expect("a folder");
    fs::write(folder.join("send-invoice/notes"), "mine").expect("written");
    let error = rejection(folder, &["send-invoice", git[0], git[1]]);
    assert!(
        error.contains("send-invoice already exists and is not empty; choose another folder with --path"),
        "{error}"
    );
    assert_eq!(fs::read_dir(folder.join("send-invoice")).expect("a folder").count(), 1);
}
