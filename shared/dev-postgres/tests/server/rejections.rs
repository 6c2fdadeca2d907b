//! Failed starts report the cause and the remedy.

use std::{fs, process, process::Command};

use sigpost_dev_postgres::{DataDir, Error};

use crate::support::{open_folder, sql, start, start_in};

#[test]
fn a_second_server_on_the_same_data_is_rejected_with_the_process_that_has_it() {
    let folder = open_folder();
    let mut first = start_in(folder.path()).unwrap();
    let error = start_in(folder.path()).unwrap_err();
    assert!(matches!(error, Error::InUse { pid: Some(pid), .. } if pid == process::id()));
    assert!(error.to_string().contains("another --data-dir"), "{error}");

    assert!(sql(&first.url("postgres"), "SELECT 1").is_ok());
    first.stop().unwrap();
    start_in(folder.path()).unwrap();
}

#[test]
fn data_of_another_major_version_is_rejected_with_both_versions() {
    let folder = open_folder();
    let mut server = start_in(folder.path()).unwrap();
    server.stop().unwrap();
    fs::write(folder.path().join("cluster/PG_VERSION"), "9.6\n").unwrap();

    let error = start_in(folder.path()).unwrap_err();
    let Error::OtherMajor { cluster, installed, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!((cluster.as_str(), installed.as_str()), ("9.6", server.version()));
    assert!(error.to_string().contains("another --data-dir"), "{error}");
}

#[test]
fn a_cluster_that_we_did_not_make_is_left_alone() {
    let folder = open_folder();
    fs::write(folder.path().join("PG_VERSION"), "15\n").unwrap();
    let error = start_in(folder.path()).unwrap_err();
    assert!(matches!(error, Error::NotOurs { .. }), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_wrong_pg_bin_is_named_and_nothing_else_is_tried() {
    let output = Command::new(env!("CARGO_BIN_EXE_dev-postgres")).env("PG_BIN", "/no/such/folder").output().unwrap();
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(complaint.starts_with("PG_BIN is set to /no/such/folder, which cannot be used: "), "{complaint}");
}

#[test]
fn a_start_that_postgres_refuses_carries_the_end_of_its_log() {
    let settings = [("shared_buffers", "nonsense")];
    let error = start(DataDir::Temporary, &settings).unwrap_err();
    assert!(matches!(error, Error::EndedEarly { .. }), "{error}");
    let reason = "invalid value for parameter \"shared_buffers\": \"nonsense\"";
    assert!(error.to_string().contains(reason), "{error}");
}

#[test]
fn connection_without_password_is_rejected() {
    let server = start(DataDir::Temporary, &[]).unwrap();
    let url = format!("postgres://sigpost:guess@127.0.0.1:{}/postgres", server.port());
    let error = sql(&url, "SELECT 1").unwrap_err();
    let code = error.as_db_error().map(|error| error.code().code());
    assert_eq!(code, Some("28P01"), "{error}");
}
