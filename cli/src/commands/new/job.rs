//! `sigpost new job NAME`.

use std::env;

use anyhow::{Context, Result, ensure};
use sigpost::jobs::JOBS;

use super::checkout::Checkout;
use super::insertion::insert;
use super::name::Name;
use super::package::FILES;
use super::places::{PLACES, Place};

/// Generate the handler of a new job type and add it wherever functions are listed.
#[derive(Debug, clap::Args)]
pub(super) struct NewJob {
    /// Name in kebab-case, e.g. `send-invoice`: the package, the job type, and the end of the endpoint.
    name: Name,
    /// Print which files would change, and write none.
    #[arg(long)]
    dry_run: bool,
}

impl NewJob {
    pub(super) fn run(self) -> Result<()> {
        let Self { name, dry_run } = self;
        let folder = env::current_dir().context("the current folder is unknown")?;
        let mut checkout = Checkout::around(&folder)?;
        ensure_free(&checkout, &name)?;
        for (file, template) in FILES {
            checkout.set(&name.fill(&format!("functions/new-job/{file}")), name.fill(template));
        }
        for place in &PLACES {
            list(&mut checkout, place, &name)?;
        }
        let changes: Vec<String> = checkout.changes().into_iter().map(|(file, is_new)| told(file, is_new)).collect();
        if !dry_run {
            checkout.write()?;
        }
        let next = if dry_run { "\nNothing was written.\n".to_owned() } else { name.fill(NEXT) + WALK_THROUGH };
        print!("{}{next}", changes.concat());
        Ok(())
    }
}

const NEXT: &str = "
The generated job returns a greeting. Edit its fields in functions/new-job/src/job.rs and its handler in src/handler.rs.
Test and run it:

  cargo test --workspace --test new-job
  cargo run
  cargo run -- publish http://127.0.0.1:8080/api/jobs/new-job --body '{\"name\": \"Ada\"}'

It is deployed as a separate Lambda function of infra/template.yaml.
";
const WALK_THROUGH: &str = "docs/src/guides/handlers-rust.md explains each step.\n";

fn told(file: &str, is_new: bool) -> String {
    format!("{} {file}\n", if is_new { "new " } else { "edit" })
}

/// Checks that no package and no function has the name, and no job the endpoint.
fn ensure_free(checkout: &Checkout, name: &Name) -> Result<()> {
    let (kebab, camel) = (name.kebab(), name.camel());
    let folder = format!("functions/{kebab}");
    ensure!(!checkout.has(&folder), "{folder} already exists");
    let is_package = checkout.text("Cargo.lock")?.contains(&format!("\nname = \"{kebab}\"\n"));
    ensure!(!is_package, "{kebab} is the name of a package that sigpost depends on");
    let template = checkout.text("infra/template.yaml")?;
    let is_function = template.contains(&format!("{{ Name: {kebab} }}"));
    let is_resource = template.contains(&format!("    {camel}: {{ Name: "));
    ensure!(!is_function && !is_resource, "infra/template.yaml already has a function of this name");
    let endpoint = format!("/api/jobs/{kebab}");
    if let Some(job) = JOBS.iter().find(|job| job.endpoint == endpoint) {
        anyhow::bail!("{endpoint} is the endpoint of {}", job.name);
    }
    Ok(())
}

fn list(checkout: &mut Checkout, place: &Place, name: &Name) -> Result<()> {
    let Place { file, at, text } = place;
    let changed = insert(&checkout.text(file)?, *at, &name.fill(text))
        .with_context(|| format!("{file} has unexpected contents: found no position {at:?}; nothing was written"))?;
    checkout.set(file, changed);
    Ok(())
}
