//! The measured program.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

/// Returns the path of `sigpost`: the given one, or the one in the folder of this program. Under `cargo run` it is built
/// first, so that the figures match the sources in the checkout.
pub(crate) async fn find(given: Option<&Path>) -> Result<PathBuf> {
    if let Some(given) = given {
        return given.canonicalize().with_context(|| format!("--program {}", given.display()));
    }
    if let Some(cargo) = std::env::var_os("CARGO") {
        let mut build = Command::new(cargo);
        build.args(["build", "--locked", "--package", "sigpost"]);
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        let status = build.status().await.context("cargo cannot start")?;
        ensure!(status.success(), "cargo build --package sigpost ended with {status}");
    }
    let program = std::env::current_exe().context("this program's own path")?.with_file_name("sigpost");
    ensure!(program.exists(), "{} is missing: run cargo build --release -p sigpost", program.display());
    Ok(program)
}
