//! Generates the function of a new job type in a checkout of sigpost.

mod checkout;
mod insertion;
mod package;
mod places;

use std::env;
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use sigpost_scaffold::Name;

use crate::checkout::Checkout;
use crate::insertion::insert;
use crate::package::{FILES, PAYLOAD};
use crate::places::{PLACES, Place};

/// Name in the templates that the name of the job replaces.
const PLACEHOLDER: &str = "new-job";

/// Generate a job type with its payload, handler and tests in a checkout of sigpost, and add it wherever functions are
/// listed.
///
/// The generated job works: it returns a greeting. It is a package in `functions`, served by `sigpost dev`, and a
/// Lambda function of `infra/template.yaml`. Its payload is in `shared/jobs/src/payloads`, so that other functions can
/// enqueue it.
///
/// To write a handler outside of a checkout, use `sigpost new handler`.
#[derive(Debug, Parser)]
#[command(name = "new-job", after_help = EXAMPLES)]
struct NewJob {
    /// Name in kebab-case, e.g. `send-invoice`: the package, the job type, and the end of the endpoint.
    name: Name,
    /// Print which files would change, and write none.
    #[arg(long)]
    dry_run: bool,
}

const EXAMPLES: &str = "Examples:
  cargo run -p new-job -- send-invoice --dry-run       list the files
  cargo run -p new-job -- send-invoice                 write them
  git checkout . && git clean -fd functions/send-invoice shared/jobs/src/payloads
                                                       undo it

Next: docs/src/guides/handlers-rust.md goes through a job type from its payload to its deployment.";

const NEXT: &str = "
The generated job returns a greeting. Edit its fields in shared/jobs/src/payloads/new_job.rs and its handler in
functions/new-job/src/handler.rs. Test and run it:

  cargo test --workspace --test new-job
  cargo run
  cargo run -- publish http://127.0.0.1:8080/api/jobs/new-job --body '{\"name\": \"Ada\"}'

It is deployed as a separate Lambda function of infra/template.yaml.
";
const WALK_THROUGH: &str = "docs/src/guides/handlers-rust.md explains each step.\n";

fn main() -> ExitCode {
    match NewJob::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

impl NewJob {
    fn run(self) -> Result<()> {
        let Self { name, dry_run } = self;
        let fill = |template: &str| name.fill(PLACEHOLDER, template);
        let folder = env::current_dir().context("the current folder is unknown")?;
        let mut checkout = Checkout::around(&folder)?;
        ensure_free(&checkout, &name)?;
        let files = FILES.map(|(file, template)| (format!("functions/new-job/{file}"), template));
        for (file, template) in files.into_iter().chain([(PAYLOAD.0.to_owned(), PAYLOAD.1)]) {
            checkout.set(&fill(&file), fill(template));
        }
        for place in &PLACES {
            list(&mut checkout, place, &fill(place.text))?;
        }
        let changes: Vec<String> = checkout.changes().into_iter().map(|(file, is_new)| told(file, is_new)).collect();
        if !dry_run {
            checkout.write()?;
        }
        let next = if dry_run { "\nNothing was written.\n".to_owned() } else { fill(NEXT) + WALK_THROUGH };
        print!("{}{next}", changes.concat());
        Ok(())
    }
}

fn told(file: &str, is_new: bool) -> String {
    format!("{} {file}\n", if is_new { "new " } else { "edit" })
}

/// Checks that no package and no function has the name, and no job the endpoint.
fn ensure_free(checkout: &Checkout, name: &Name) -> Result<()> {
    let (kebab, camel) = (name.kebab(), name.camel());
    for path in [format!("functions/{kebab}"), format!("shared/jobs/src/payloads/{}.rs", name.snake())] {
        ensure!(!checkout.has(&path), "{path} already exists");
    }
    let is_package = checkout.text("Cargo.lock")?.contains(&format!("\nname = \"{kebab}\"\n"));
    ensure!(!is_package, "{kebab} is the name of a package that sigpost depends on");
    let template = checkout.text("infra/template.yaml")?;
    let is_function = template.contains(&format!("{{ Name: {kebab} }}"));
    let is_resource = template.contains(&format!("    {camel}: {{ Name: "));
    ensure!(!is_function && !is_resource, "infra/template.yaml already has a function of this name");
    // Every job has a route of `cargo lambda watch`.
    let route = format!("\n\"/api/jobs/{kebab}\" = \"");
    if let Some((_, rest)) = checkout.text("Cargo.toml")?.split_once(&route) {
        bail!("/api/jobs/{kebab} is the endpoint of {}", rest.split('"').next().unwrap_or_default());
    }
    Ok(())
}

fn list(checkout: &mut Checkout, place: &Place, text: &str) -> Result<()> {
    let Place { file, at, .. } = place;
    let changed = insert(&checkout.text(file)?, *at, text)
        .with_context(|| format!("{file} has unexpected contents: found no position {at:?}; nothing was written"))?;
    checkout.set(file, changed);
    Ok(())
}
