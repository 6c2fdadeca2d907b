//! A process that is killed leaves no Postgres behind.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use crate::support::{eventually, is_alive, open_folder, sql, start_in};

/// Starts this crate's program in another process. Returns the process ID and the URL of its server.
fn start_process(command: &mut Command) -> (Child, u32, String) {
    let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let output = process.stdout.take().unwrap();
    BufReader::new(output).read_line(&mut line).unwrap();
    let (pid, url) = line.trim().split_once(' ').unwrap();
    (process, pid.parse().unwrap(), url.to_owned())
}

fn kill(mut process: Child) {
    process.kill().unwrap();
    process.wait().unwrap();
}

#[test]
fn a_killed_process_leaves_neither_a_postgres_nor_its_temporary_folder() {
    let scratch = open_folder();
    let mut command = Command::new(env!("CARGO_BIN_EXE_dev-postgres"));
    let (process, pid, _) = start_process(command.env("TMPDIR", scratch.path()));
    let in_scratch = || fs::read_dir(scratch.path()).unwrap().count();
    assert!(is_alive(pid));
    assert_eq!(in_scratch(), 1);

    kill(process);

    eventually("Postgres ends", || !is_alive(pid));
    eventually("the folder is removed", || in_scratch() == 0);
}

#[test]
fn the_data_of_a_killed_process_can_be_started_at_once() {
    let folder = open_folder();
    let mut command = Command::new(env!("CARGO_BIN_EXE_dev-postgres"));
    let (process, pid, url) = start_process(command.arg(folder.path()));
    sql(&url, "CREATE TABLE kept ()").unwrap();

    kill(process);

    let server = start_in(folder.path()).unwrap();
    assert!(!is_alive(pid), "two servers on the same data");
    assert!(sql(&server.url("postgres"), "SELECT FROM kept").is_ok());
}
