//! Places outside of its package that list a job. Tests in `tests/it/infra/` fail if one is missing.

use crate::insertion::At;

/// Position in a file and the text to insert, with `new-job` for the name.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) file: &'static str,
    pub(crate) at: At,
    pub(crate) text: &'static str,
}

impl Place {
    const fn new(file: &'static str, at: At, text: &'static str) -> Self {
        Self { file, at, text }
    }
}

const CARGO: &str = "Cargo.toml";
const CLI: &str = "cli/Cargo.toml";
const JOBS: &str = "cli/src/jobs.rs";
const PAYLOADS: &str = "shared/jobs/src/payloads.rs";
const TEMPLATE: &str = "infra/template.yaml";
const ALARMS: &str = "infra/alarms.yaml";

/// All places.
pub(crate) const PLACES: [Place; 15] = [
    Place::new(CARGO, At::After("= { path = \"functions/", 1), "new-job = { path = \"functions/new-job\" }\n"),
    // `cargo lambda watch`.
    Place::new(CARGO, At::After("\"/api/jobs/", 1), "\"/api/jobs/new-job\" = \"new-job\"\n"),
    Place::new(CLI, At::Before("anyhow.workspace = true"), "new-job.workspace = true\n"),
    Place::new(
        JOBS,
        At::Before("    // `new-job` writes above this line."),
        "    payloads::NewJob => new_job::router(dev.harness()),\n",
    ),
    Place::new(PAYLOADS, At::Sorted("pub mod "), "pub mod new_job;\n"),
    Place::new(PAYLOADS, At::Sorted("pub use "), "pub use new_job::NewJob;\n"),
    Place::new(TEMPLATE, At::Below("  Packages:"), "    NewJob: { Name: new-job }\n"),
    Place::new(TEMPLATE, At::InList("Fn::ForEach::LogGroups:"), "NewJob"),
    // The dispatcher signs deliveries to it, and has the permission to invoke it.
    Place::new(
        TEMPLATE,
        At::After("- !Select [2, !Split [\"/\", !GetAtt ", 1),
        "                - !Select [2, !Split [\"/\", !GetAtt NewJobFunctionUrl.FunctionUrl]]\n",
    ),
    Place::new(
        TEMPLATE,
        At::After("                      - !GetAtt ", 2),
        "                      - !GetAtt NewJobFunction.Arn\n",
    ),
    Place::new(TEMPLATE, At::Before("  Fn::ForEach::Handlers:"), include_str!("../templates/function.yaml")),
    Place::new(TEMPLATE, At::InList("Fn::ForEach::Handlers:"), "NewJob"),
    // Its URL for components that enqueue it.
    Place::new(
        TEMPLATE,
        At::Below("  JobUrlsParameter:"),
        "          - !Sub new-job=${NewJobFunctionUrl.FunctionUrl}\n",
    ),
    Place::new(TEMPLATE, At::InList("Fn::ForEach::HandlerUrls:"), "NewJob"),
    Place::new(ALARMS, At::InList("Fn::ForEach::Functions:"), "new-job"),
];
