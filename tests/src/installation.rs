//! Dependencies of tests in other languages, installed once into a folder below `target`, with exact versions.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use tokio::process::Command;

/// The package manager.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Installer {
    /// npm, into the folder's `node_modules`.
    Npm,
    /// pip, into the folder's `venv`.
    Pip,
}

/// Packages that are installed together.
#[derive(Debug)]
pub(crate) struct Installation {
    /// Name of the folder.
    pub(crate) name: &'static str,
    /// The file in `sdk/` that lists the packages.
    pub(crate) versions: &'static str,
    pub(crate) installer: Installer,
}

impl Installation {
    /// Returns the folder below this one (`CARGO_TARGET_TMPDIR`). Installs at the first call and when the list of
    /// versions changes.
    ///
    /// Returns `None` if the language is not installed, so that Rust alone is sufficient for the other tests. With
    /// `SIGPOST_TEST_ALL` set, as in CI, that is a failure.
    pub(crate) async fn installed(&self, under: &Path) -> Option<PathBuf> {
        let Self { name, versions, installer } = self;
        if !installer.is_here().await {
            eprintln!("NOT TESTED: what needs {name}, for there is no {installer:?} here");
            std::env::var_os("SIGPOST_TEST_ALL")?;
        }
        let folder = under.join("sdk").join(name);
        let needed = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("sdk").join(versions)).expect(versions);
        let done = folder.join("installed");

        let _one_at_a_time = locked(under.join("sdk"), name).await;
        if fs::read(&done).ok().as_ref() != Some(&needed) {
            let _ = fs::remove_dir_all(&folder);
            fs::create_dir_all(&folder).expect("a folder");
            fs::write(folder.join(versions), &needed).expect(versions);
            installer.install(&folder, versions).await;
            fs::write(done, needed).expect("written");
        }
        Some(folder)
    }
}

impl Installer {
    async fn is_here(self) -> bool {
        let mut asked = match self {
            Self::Npm => command("npm", ["--version"]),
            Self::Pip => command("python3", ["-c", "import ensurepip, venv"]),
        };
        let answer = asked.stdout(Stdio::null()).stderr(Stdio::null()).status().await;
        answer.is_ok_and(|status| status.success())
    }

    async fn install(self, folder: &Path, versions: &str) {
        match self {
            Self::Npm => {
                let mut npm = command("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix"]);
                succeed(npm.arg(folder), "node with npm, version 18 or later (apt-get install nodejs npm)").await;
            }
            Self::Pip => {
                let mut venv = command("python3", ["-m", "venv"]);
                succeed(venv.arg(folder.join("venv")), "python3 with venv (apt-get install python3-venv)").await;
                let mut pip = Command::new(folder.join("venv/bin/python"));
                pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
                succeed(pip.arg(folder.join(versions)), "pip").await;
            }
        }
    }
}

/// Returns the output of a program for the message of a failure.
pub fn printed(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn command<const N: usize>(program: &str, arguments: [&str; N]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments.map(OsStr::new));
    command
}

async fn succeed(command: &mut Command, needed: &str) {
    let output = command.output().await;
    let output = output.unwrap_or_else(|why| panic!("this test needs {needed}: {why}"));
    assert!(output.status.success(), "this test needs {needed}: {command:?} failed: {}", printed(&output));
}

/// Serializes installations of concurrent tests and test processes: the first one installs.
async fn locked(folder: PathBuf, name: &'static str) -> File {
    let locking = tokio::task::spawn_blocking(move || {
        fs::create_dir_all(&folder).expect("a folder");
        let file = File::create(folder.join(name).with_extension("lock")).expect("a file");
        file.lock().expect("a lock");
        file
    });
    locking.await.expect("a lock")
}
