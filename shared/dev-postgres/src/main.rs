//! Runs a Postgres until standard input ends, and prints its process ID and its URL.

use std::path::PathBuf;
use std::{io, process::ExitCode};

use clap::Parser;
use sigpost_dev_postgres::{DataDir, Durability, Error, Options, Server};

/// Run a Postgres until standard input ends. Prints its process ID and its URL.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// Keep the data in this folder, which is created if it does not exist. Default: a temporary folder.
    #[arg(value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: Args) -> Result<(), Error> {
    let options = Options {
        data_dir: args.data_dir.map_or(DataDir::Temporary, DataDir::Kept),
        durability: Durability::Durable,
        settings: Vec::new(),
    };
    let mut server = Server::start(options, &mut |line| eprintln!("{line}"))?;
    println!("{} {}", server.pid(), server.url("postgres"));
    // Whatever ends the input, an error too, ends the server.
    let _ = io::copy(&mut io::stdin(), &mut io::sink());
    server.stop()
}
