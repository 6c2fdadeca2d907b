//! Runs a Postgres until standard input ends, and prints its process id and its URL.
//!
//! `cargo run -p sigpost-dev-postgres -- [folder]`: with a folder, the data is kept there.

use std::{env, io, process::ExitCode};

use sigpost_dev_postgres::{DataDir, Durability, Error, Options, Server};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Error> {
    let folder = env::args_os().nth(1);
    let options = Options {
        data_dir: folder.map_or(DataDir::Temporary, |folder| DataDir::Kept(folder.into())),
        durability: Durability::Durable,
        settings: Vec::new(),
    };
    let mut server = Server::start(options, &mut |line| eprintln!("{line}"))?;
    println!("{} {}", server.pid(), server.url("postgres"));
    // Whatever ends the input, an error too, ends the server.
    let _ = io::copy(&mut io::stdin(), &mut io::sink());
    server.stop()
}
