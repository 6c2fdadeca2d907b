//! The flags of `dev-postgres`.

use std::path::Path;
use std::process::{Command, Output};

fn dev_postgres(folder: &Path, argument: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dev-postgres"));
    // A server that starts by mistake fails here.
    command.arg(argument).current_dir(folder).env("PG_BIN", "/no/such/folder").output().unwrap()
}

#[test]
fn help_and_version_are_printed_and_an_unknown_flag_is_wrong_usage() {
    let folder = tempfile::tempdir().unwrap();
    for (argument, code, printed) in [
        ("--help", 0, "Usage: dev-postgres [DIR]"),
        ("-h", 0, "Usage: dev-postgres [DIR]"),
        ("--version", 0, env!("CARGO_PKG_VERSION")),
        ("--data-dri", 2, "unexpected argument '--data-dri'"),
    ] {
        let output = dev_postgres(folder.path(), argument);
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(code), "{argument}: {text}");
        // The usage line says [OPTIONS] only where there are any besides these.
        assert!(text.replace("[OPTIONS] ", "").contains(printed), "{argument}: {text}");
    }
    assert_eq!(folder.path().read_dir().unwrap().count(), 0, "nothing is created");
}
