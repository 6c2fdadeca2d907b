//! `sigpost new handler NAME`.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context, Result, ensure};
use sigpost_scaffold::Name;

use super::source::Source;

/// Name in the files that the name of the handler replaces.
const PLACEHOLDER: &str = "own-handler";
/// Value of the dependency `sigpost-jobs` in the manifest, which the chosen source replaces.
const DEPENDENCY: &str = "{ path = \"../../shared/jobs\" }";

/// The files of a handler: those of the example.
const FILES: [(&str, &str); 6] = [
    (".gitignore", include_str!("../../../../examples/own-handler/.gitignore")),
    ("Cargo.toml", include_str!("../../../../examples/own-handler/Cargo.toml")),
    ("README.md", include_str!("../../../../examples/own-handler/README.md")),
    ("src/handler.rs", include_str!("../../../../examples/own-handler/src/handler.rs")),
    ("src/job.rs", include_str!("../../../../examples/own-handler/src/job.rs")),
    ("src/main.rs", include_str!("../../../../examples/own-handler/src/main.rs")),
];

/// Generate a job handler in Rust as a package of its own, in any folder.
///
/// The package has one job type with its payload, handler and tests, and a README with the commands to run it and to
/// publish to it. It is built with the library sigpost-jobs of a checkout or a repository of sigpost. Files are never
/// overwritten.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct NewHandler {
    /// Name in kebab-case, e.g. `send-invoice`: the package, the job type, and the end of the endpoint.
    name: Name,
    /// Folder of the package. Default: a folder with the name, in the current one.
    #[arg(long, value_name = "DIR")]
    path: Option<PathBuf>,
    /// Checkout of sigpost to build with. Default: the one around the current folder.
    #[arg(long, value_name = "DIR")]
    checkout: Option<PathBuf>,
    /// URL of a git repository of sigpost to build with.
    #[arg(long, value_name = "URL", conflicts_with = "checkout")]
    git: Option<String>,
}

const EXAMPLES: &str = "Examples:
  sigpost new handler send-invoice                         in a checkout of sigpost
  sigpost new handler send-invoice --path ~/shop/invoices --checkout ~/sigpost
  sigpost new handler send-invoice --git https://git.example/sigpost.git";

const NEXT: &str = "
It returns a greeting. Edit its payload in src/job.rs and its handler in src/handler.rs. README.md has the commands to
test it, to run it and to publish to it.
";

impl NewHandler {
    pub(super) fn run(self) -> Result<()> {
        let current = env::current_dir().context("the current folder is unknown")?;
        let source = Source::choose(self.checkout, self.git, &current)?;
        let given = self.path.unwrap_or_else(|| PathBuf::from(self.name.kebab()));
        let folder = empty(&given)?;
        let dependency = source.dependency(&folder);
        for (file, template) in FILES {
            let text = self.name.fill(PLACEHOLDER, &template.replace(DEPENDENCY, &dependency));
            write(&folder.join(file), &text)?;
            println!("new  {}", given.join(file).display());
        }
        print!("{NEXT}");
        Ok(())
    }
}

/// Creates the folder, or checks that it is empty. Returns its absolute path.
fn empty(folder: &Path) -> Result<PathBuf> {
    let shown = folder.display();
    fs::create_dir_all(folder).with_context(|| format!("{shown} cannot be created"))?;
    let is_empty = fs::read_dir(folder).with_context(|| format!("{shown} cannot be read"))?.next().is_none();
    ensure!(is_empty, "{shown} already exists and is not empty; choose another folder with --path");
    folder.canonicalize().with_context(|| format!("{shown} cannot be read"))
}

fn write(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().unwrap_or(path);
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(path, text));
    written.with_context(|| format!("{} cannot be written", path.display()))
}
