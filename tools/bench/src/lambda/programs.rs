//! The programs of the functions, as they are deployed.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::deployment::FUNCTIONS;

const BUILD: &str = "cargo lambda build --release -p dispatch -p admin -p send-email -p cleanup-old-data";
/// Bytes that are read of an ELF file. The last two of them are the machine that it is for.
const UNTIL_MACHINE: usize = 20;

/// Cargo's target folder, in which `cargo lambda build`, and so `sam build`, leaves them.
pub(super) struct Programs(PathBuf);

impl Programs {
    /// In the target folder that this program is in, if they are there and this machine can run them.
    pub(super) fn find() -> Result<Option<Self>> {
        let this_one = std::env::current_exe().context("this program's own path")?;
        let target = this_one.ancestors().nth(2).context("this program is in no folder of cargo's")?;
        let programs = Self(target.to_owned());
        let ours = machine(&this_one).context("this program itself")?;
        let runs = |function: &&str| machine(&programs.path(function)).is_ok_and(|its| its == ours);
        let missing: Vec<&str> = FUNCTIONS.into_iter().filter(|function| !runs(function)).collect();
        if missing.is_empty() {
            return Ok(Some(programs));
        }
        let (missing, folder) = (missing.join(", "), target.join("lambda"));
        eprintln!("  lambda     left out: no {missing} for this machine in {}; build with: {BUILD}", folder.display());
        Ok(None)
    }

    /// The program of a function.
    pub(super) fn path(&self, function: &str) -> PathBuf {
        self.0.join("lambda").join(function).join("bootstrap")
    }

    /// Cargo's target folder.
    pub(super) fn target(&self) -> &Path {
        &self.0
    }
}

/// For which machine a program is. The functions may have been built for the other architecture.
fn machine(program: &Path) -> Result<[u8; 2]> {
    let mut beginning = [0; UNTIL_MACHINE];
    File::open(program)?.read_exact(&mut beginning)?;
    let [.., first, second] = beginning;
    Ok([first, second])
}
