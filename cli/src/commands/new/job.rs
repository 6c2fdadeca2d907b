//! `sigpost new job NAME`.

use std::env;

use anyhow::{Context, Result, ensure};
use sigpost::jobs::JOBS;

use super::checkout::Checkout;
use super::insertion::insert;
use super::name::Name;
use super::package::FILES;
use super::places::{PLACES, Place};

/// Write the handler of a new type of job, ready to run, and list it wherever functions are listed.
#[derive(Debug, clap::Args)]
pub(super) struct NewJob {
    /// What it does, e.g. `send-invoice`: its package, its type on the wire, and the end of its endpoint.
    name: Name,
    /// Say what would be written, and write nothing.
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
It greets people. What it is to say is in functions/new-job/src/job.rs, what it is to do in src/handler.rs:

  cargo test --workspace --test new-job
  cargo run
  cargo run -- publish http://127.0.0.1:8080/api/jobs/new-job --body '{\"name\": \"Ada\"}'

When it is deployed it is a function of its own, in infra/template.yaml.
";
const WALK_THROUGH: &str = "docs/src/guides/handlers-rust.md goes through all of it.\n";

fn told(file: &str, is_new: bool) -> String {
    format!("{} {file}\n", if is_new { "new " } else { "edit" })
}

/// No package may have its name, ours or another's, no function, and no job its endpoint.
fn ensure_free(checkout: &Checkout, name: &Name) -> Result<()> {
    let (kebab, camel) = (name.kebab(), name.camel());
    let folder = format!("functions/{kebab}");
    ensure!(!checkout.has(&folder), "there is {folder} already");
    let is_package = checkout.text("Cargo.lock")?.contains(&format!("\nname = \"{kebab}\"\n"));
    ensure!(!is_package, "{kebab} is the name of a package that sigpost is made of");
    let template = checkout.text("infra/template.yaml")?;
    let is_function = template.contains(&format!("{{ Name: {kebab} }}"));
    let is_resource = template.contains(&format!("    {camel}: {{ Name: "));
    ensure!(!is_function && !is_resource, "infra/template.yaml has a function of that name already");
    let endpoint = format!("/api/jobs/{kebab}");
    if let Some(job) = JOBS.iter().find(|job| job.endpoint == endpoint) {
        anyhow::bail!("{endpoint} is the endpoint of {}", job.name);
    }
    Ok(())
}

fn list(checkout: &mut Checkout, place: &Place, name: &Name) -> Result<()> {
    let Place { file, at, text } = place;
    let changed = insert(&checkout.text(file)?, *at, &name.fill(text))
        .with_context(|| format!("{file} does not look as expected, so nothing was written: no place {at:?}"))?;
    checkout.set(file, changed);
    Ok(())
}
