//! Where the data is, and how long it lives.

use std::{fs, fs::Permissions, os::unix::fs::PermissionsExt};

use sigpost_dev_postgres::{DataDir, testing};

use crate::support::{folder_of, is_alive, open_folder, sql, start, start_in};

#[test]
fn kept_data_survives_a_stop_and_a_start() {
    let scratch = open_folder();
    let folder = scratch.path().join("made/when it's missing");
    let mut server = start_in(&folder).unwrap();
    let url = server.url("postgres");
    sql(&url, "CREATE TABLE kept (word text); INSERT INTO kept VALUES ('still here')").unwrap();
    server.stop().unwrap();
    assert!(!is_alive(server.pid()));
    server.stop().unwrap();

    let server = start_in(&folder).unwrap();
    let word = sql(&server.url("postgres"), "SELECT word FROM kept").unwrap();
    assert_eq!(word.as_deref(), Some("still here"));
}

#[test]
fn a_temporary_folder_is_gone_after_the_stop() {
    let mut server = start(DataDir::Temporary, &[]).unwrap();
    let folder = folder_of(&server);
    assert!(folder.join("cluster").is_dir());
    server.stop().unwrap();
    assert!(!folder.exists());
}

#[test]
fn a_dropped_server_is_stopped() {
    let server = start(DataDir::Temporary, &[]).unwrap();
    let (pid, folder) = (server.pid(), folder_of(&server));
    drop(server);
    assert!(!is_alive(pid));
    assert!(!folder.exists());
}

#[test]
fn the_server_of_a_test_process_is_started_once_and_makes_databases() {
    let shared = testing::shared();
    assert_eq!(shared.pid(), testing::shared().pid());
    sql(&shared.url("postgres"), "CREATE DATABASE one_test").unwrap();
    let settings = "SELECT current_database() || ' ' || current_setting('timezone') || ' ' \
                    || current_setting('server_encoding') || ' ' || current_setting('fsync')";
    let answer = sql(&shared.url("one_test"), settings).unwrap();
    assert_eq!(answer.as_deref(), Some("one_test UTC UTF8 off"));
}

#[test]
fn root_keeps_the_data_of_a_closed_folder_elsewhere_and_finds_it_again() {
    let closed = tempfile::tempdir().unwrap();
    fs::set_permissions(closed.path(), Permissions::from_mode(0o700)).unwrap();
    let requested = closed.path().join("data");
    let mut server = start_in(&requested).unwrap();
    let folder = folder_of(&server);
    sql(&server.url("postgres"), "CREATE TABLE kept ()").unwrap();
    server.stop().unwrap();
    let note = requested.join("data-is-elsewhere.txt");
    if !note.exists() {
        assert_eq!(folder, requested, "only root has to give way");
        return;
    }

    // The note counts, even when the folder could be entered by now.
    fs::set_permissions(closed.path(), Permissions::from_mode(0o755)).unwrap();
    let mut server = start_in(&requested).unwrap();
    assert!(sql(&server.url("postgres"), "SELECT FROM kept").is_ok());
    assert_eq!(folder_of(&server), folder);
    server.stop().unwrap();
    let text = fs::read_to_string(note).unwrap();
    assert_eq!(text.lines().next(), folder.to_str());
    assert!(folder.starts_with("/var/tmp"));
    fs::remove_dir_all(folder).unwrap();
}
