//! Deployable programs of the functions.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The function that accepts and delivers.
pub(super) const DISPATCH: &str = "dispatch";
/// The handler whose jobs are measured.
pub(super) const SEND_EMAIL: &str = "send-email";
/// All functions.
pub(super) const FUNCTIONS: [&str; 4] = [DISPATCH, "admin", SEND_EMAIL, "cleanup-old-data"];

const BUILD: &str = "cargo lambda build --release -p dispatch -p admin -p send-email -p cleanup-old-data";
/// Bytes to read of an ELF file. The last two are its machine type.
const UNTIL_MACHINE: usize = 20;

/// Target folder of Cargo, where `cargo lambda build` and `sam build` write the programs.
pub(super) struct Programs(PathBuf);

impl Programs {
    /// Finds the programs in the target folder of this program. Returns `None` if they are missing or for another machine.
    pub(super) fn find() -> Result<Option<Self>> {
        let this_one = std::env::current_exe().context("this program's own path")?;
        let target = this_one.ancestors().nth(2).context("this program is not in a target folder of Cargo")?;
        let programs = Self(target.to_owned());
        let ours = machine(&this_one).context("this program itself")?;
        let runs = |function: &&str| machine(&programs.path(function)).is_ok_and(|its| its == ours);
        let missing: Vec<&str> = FUNCTIONS.into_iter().filter(|function| !runs(function)).collect();
        if missing.is_empty() {
            return Ok(Some(programs));
        }
        let (missing, folder) = (missing.join(", "), target.join("lambda"));
        eprintln!("  lambda     skipped: no {missing} for this machine in {}; build with: {BUILD}", folder.display());
        Ok(None)
    }

    /// Returns the program of a function.
    pub(super) fn path(&self, function: &str) -> PathBuf {
        self.0.join("lambda").join(function).join("bootstrap")
    }

    /// Returns the target folder of Cargo.
    pub(super) fn target(&self) -> &Path {
        &self.0
    }
}

/// Reads the machine type of a program. The functions may be built for another architecture.
fn machine(program: &Path) -> Result<[u8; 2]> {
    let mut beginning = [0; UNTIL_MACHINE];
    File::open(program)?.read_exact(&mut beginning)?;
    let [.., first, second] = beginning;
    Ok([first, second])
}
